"""An environment with Dask, and hosts that have it."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from lan import LanFleet
from machine import BIN
from namespace import ROOT_USER

PACKAGES = ("notebook>=7", "distributed>=2024.8", "bokeh>=3.1", "jupyter-server-proxy>=4.3", "matplotlib")


@pytest.fixture(scope="session")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with Dask, and with what shows its dashboard; from the index of packages."""
    if not ROOT_USER:
        pytest.skip("takes root: network namespaces")
    venv = tmp_path_factory.mktemp("dask") / "dask"
    subprocess.run([BIN / "uv", "venv", "-q", "--python", BIN / "python", venv], check=True)
    install = [str(BIN / "uv"), "pip", "install", "-q", "--compile-bytecode", "--python", str(venv / "bin/python")]
    subprocess.run([*install, *PACKAGES], check=True)
    return venv / "bin/python"


@pytest.fixture
def fleet(tmp_path: Path, dask: Path) -> Iterator[Callable[..., LanFleet]]:
    """Makes hosts, as many as are asked for, that are set up."""
    with ExitStack() as stack:

        def make(count: int, **more: Any) -> LanFleet:
            made = LanFleet(tmp_path, count, dask, stack, **more)
            made.ok("fleet.setup")
            return made

        yield make
