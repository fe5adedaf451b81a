"""pip and uv themselves, with an index on loopback: both take what comes out of each kind of file."""

import hashlib
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from nbfab.requirements.read import read

pytestmark = pytest.mark.real  # starts whole programs
UV = Path(sys.executable).parent / "uv"


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder and writes no log."""

    def log_message(self, *_: object) -> None:
        pass


def wheel(folder: Path, name: str, version: str) -> str:
    """Puts an empty package where an index has it, and gives its hash."""
    path = folder / name / f"{name}-{version}-py3-none-any.whl"
    path.parent.mkdir(exist_ok=True)
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nProvides-Extra: x\n"
        )
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", "")
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def pip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the pip that comes with Python."""
    place = tmp_path_factory.mktemp("pip") / "venv"
    subprocess.run([sys.executable, "-m", "venv", place], check=True, timeout=120)
    return place / "bin/python"


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    """The URL of an index with a few packages, and their hashes."""
    folder = tmp_path_factory.mktemp("index")
    hashes = {name: wheel(folder, name, version) for name, version in (("alpha", "1.0"), ("beta", "2.0rc1"))}
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", hashes
    server.shutdown()
    server.server_close()


def run(*command: str | Path) -> None:
    """Runs it with no configuration and no other index."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_"))}
    bare = {**kept, "PIP_CONFIG_FILE": "/dev/null", "UV_NO_CONFIG": "1", "UV_NO_CACHE": "1", "PIP_NO_CACHE_DIR": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=bare, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


LOCKED = """lock-version = "1.0"
created-by = "x"
[[packages]]
name = "alpha"
version = "1.0"
marker = "python_version >= '3.9'"
index = "{url}/"
[[packages.wheels]]
url = "{url}/alpha/alpha-1.0-py3-none-any.whl"
hashes = {{sha256 = "{alpha}"}}
"""
PROJECT = """[project]
name = "own"
requires-python = ">=3.9"
dependencies = ["Alpha[x] >= 0.9, <2", "beta; python_version < '3'"]
[[tool.uv.index]]
url = "{url}/"
default = true
"""
LINES = """# what there is
-i {url}/
--pre
--only-binary :all:
--prefer-binary
--extra-index-url {url}/
Alpha[x]>=0.9 ; python_version >= "3.9" \\
    and os_name != 'nt'  # why
beta
"""
HASHED = "--require-hashes\n--index-url {url}\nalpha==1.0 --hash sha256:{alpha} \\\n --hash=sha256:{beta}\n"
DIRECT = "--index-url {url}\nalpha @ {url}/alpha/alpha-1.0-py3-none-any.whl#sha256={alpha}\n"
LINKS = "--no-index\n-f {url}/alpha/\n-c constraints.txt\nalpha\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("requirements.txt", LINES),
        ("hashed.txt", HASHED),
        ("direct.txt", DIRECT),
        ("links.in", LINKS),
        ("pyproject.toml", PROJECT),
        ("pylock.toml", LOCKED),
    ],
    ids=["options", "hashes", "a URL", "constraints", "pyproject.toml", "pylock.toml"],
)
def test_pip_and_uv_take_what_comes_out(
    name: str, text: str, index: tuple[str, dict[str, str]], pip: Path, tmp_path: Path
) -> None:
    url, hashes = index
    (tmp_path / "constraints.txt").write_text("Alpha<2\nbeta!=1\n")
    (tmp_path / name).write_text(text.format(url=url, **hashes))
    found = read(tmp_path / name)
    out, limits = tmp_path / "out.txt", tmp_path / "limits.txt"
    out.write_text(found.text)
    limits.write_text("".join(f"{line}\n" for line in found.constraints))
    # A lock leaves the index that most of its packages come from to the host.
    given = ("--index-url", f"{url}/") if name == "pylock.toml" else ()
    pre = ("--prerelease", "allow") if found.pre else ()
    checked = ("--require-hashes",) if found.hashed else ()
    run(pip, "-m", "pip", "install", "--dry-run", *given, *checked, "-r", out, "-c", limits)
    run(UV, "pip", "compile", *given, *pre, out, "-c", limits, "--python", pip)
    run(UV, "pip", "install", "--dry-run", *given, *pre, *checked, "-r", out, "-c", limits, "--python", pip)
