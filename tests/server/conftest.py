"""What the tests of the module in the server share: the three servers that it has to run in."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from machine import BIN
from notebook_servers import Kind, Server


@pytest.fixture(scope="session", params=["oldest", "newest", "classic"])
def kind(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Kind:
    """The oldest jupyter_server 2, that of these tests, and Debian's notebook 6."""
    if request.param == "newest":
        return Kind(sys.executable, classic=False)
    if request.param == "classic":
        return Kind("/usr/bin/python3", classic=True)
    place = tmp_path_factory.mktemp("oldest") / "venv"
    python = str(place / "bin" / "python")
    packages = ("jupyter_server==2.0.0", "jupyterlab<4", "ipykernel")
    for command in (["venv", str(place)], ["pip", "install", "--compile-bytecode", "--python", python, *packages]):
        subprocess.run([f"{BIN}/uv", *command], check=True, capture_output=True, timeout=240)
    return Kind(python, classic=False, pings_kernels=False)


@pytest.fixture(scope="session")
def guarded(kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of each kind, for all tests that leave it with its first password."""
    server = Server(tmp_path_factory.mktemp("guarded") / "profile", kind)
    yield server
    server.stop()


@pytest.fixture
def own(kind: Kind, tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts servers of each kind for one test, with what `Server` takes."""
    with ExitStack() as stack:

        def start(**options: object) -> Server:
            server = Server(tmp_path / "profile", kind, **options)  # type: ignore[arg-type]
            stack.callback(server.stop)
            return server

        yield start


@pytest.fixture
def second_uid() -> int:
    """Another user of this machine, as whom a test can run programs."""
    if os.getuid() != 0:
        pytest.skip("only root can run programs as another user")
    return 65534
