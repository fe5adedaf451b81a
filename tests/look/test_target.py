"""What a host says of itself, so that wheels can be chosen for it."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from shells import each_shell, run, stub

from nbfab.errors import HostError
from nbfab.host import Here
from nbfab.look.target import FILES, look_target
from nbfab.program import call, functions, source
from nbfab.wheels.target import Target

PROBE = source("look/target_probe.py")


def told(shell: tuple[str, ...], home: Path, path: str = "") -> dict[str, Any]:
    """What is printed there."""
    program = functions(*FILES) + call("look_target", base_python="", target_probe=PROBE)
    env = {"HOME": str(home), "XDG_DATA_HOME": "", "PATH": path or os.environ["PATH"]}
    return dict(json.loads(run(shell, program, env=env) or "{}"))


@each_shell
def test_a_new_host(shell: tuple[str, ...], tmp_path: Path) -> None:
    found = told(shell, tmp_path, f"{Path(sys.executable).parent}:{os.environ['PATH']}")["target"]
    assert found["machine"] == platform.machine()
    assert found["libc"] == platform.libc_ver()[0]
    assert found["implementation"] == "cpython"
    assert found["room"] > 0
    assert (found["kept"], found["installed"], found["takes_uv"]) == ([], [], False)


@each_shell
def test_a_host_with_the_environment_and_what_was_sent_before(shell: tuple[str, ...], tmp_path: Path) -> None:
    base = tmp_path / ".local/share/nbfab"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", base / ".venv"], check=True)
    (base / ".venv/complete").touch()
    (base / ".cache/wheels-1").mkdir(parents=True)
    (site,) = base.glob(".venv/lib/python*/site-packages")
    (site / "six-1.2.dist-info").mkdir()
    (site / "six-1.2.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: six\nVersion: 1.2\n")
    (tmp_path / "bin").mkdir()
    path = f"{tmp_path}/bin:/usr/bin:/bin"  # without a uv
    found = told(shell, tmp_path, path)["target"]
    assert (found["kept"], found["installed"], found["takes_uv"]) == (["wheels-1"], [["six", "1.2"]], True)
    stub(tmp_path / "bin", "uv", "exit 1")
    assert told(shell, tmp_path, path)["target"]["takes_uv"] is False


@pytest.mark.parametrize(("pip", "takes_uv"), [("20.2.4", True), ("20.3", False), ("9.0.1", True), ("24.0", False)])
def test_a_pip_that_knows_no_wheels_of_today_is_replaced_by_uv(pip: str, takes_uv: bool, tmp_path: Path) -> None:
    base = tmp_path / ".local/share/nbfab"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", base / ".venv"], check=True)
    (base / ".venv/complete").touch()
    (site,) = base.glob(".venv/lib/python*/site-packages")
    (site / "pip").mkdir()
    (site / f"pip-{pip}.dist-info").mkdir()
    (site / f"pip-{pip}.dist-info/METADATA").write_text(f"Metadata-Version: 2.1\nName: pip\nVersion: {pip}\n")
    (site / "pip/__init__.py").touch()
    assert told(("sh",), tmp_path, "/usr/bin:/bin")["target"]["takes_uv"] is takes_uv


@each_shell
def test_a_host_without_a_python_or_with_a_broken_one(shell: tuple[str, ...], tmp_path: Path) -> None:
    bare = tmp_path / "bin"
    bare.mkdir()
    for name in ("[", "awk", "tail"):  # yash takes the first from PATH
        stub(bare, name, f'exec /usr/bin/{name} "$@"')
    program = f"PATH={bare}\n" + functions(*FILES).replace("/usr/local/bin", "/none")
    program += call("look_target", base_python="", target_probe=PROBE)
    assert run(shell, program, env={"HOME": str(tmp_path)}) == ""
    stub(bare, "python3", "echo 'python3: no such library' >&2; exit 127")
    assert json.loads(run(shell, program, env={"HOME": str(tmp_path)})) == {"fails": "python3: no such library"}


def test_this_machine() -> None:
    target = look_target(Here())
    assert target
    assert target.python >= (3, 9)
    assert target.platform.startswith(f"{platform.machine()}-")


class Says(Here):
    """A host that says that of itself."""

    def __init__(self, record: object) -> None:
        self.record = record

    def talk(self, program: bytes, silence: float, more: Any = ()) -> Iterator[bytes]:
        begin, end = (line for line in program.split() if line.startswith((b"nbfab-begins", b"nbfab-ends")))
        yield b"\n".join([begin, json.dumps(self.record).encode(), end.strip(b"'").split(b"\\n")[0], b""])


GOOD = {
    **{"system": "Linux", "machine": "x86_64", "libc": "musl", "libc_version": "1.2.4", "python": "3.12"},
    **{"implementation": "cpython", "room": 5, "kept": ["a"], "installed": [["six", "1.0+x"]], "takes_uv": True},
}


def test_what_it_says_is_read() -> None:
    assert look_target(Says({"target": GOOD})) == Target(
        *("Linux", "x86_64", "musl", (1, 2), (3, 12)),
        room=5,
        kept=("a",),
        installed=(("six", "1.0+x"),),
        takes_uv=True,
    )
    assert look_target(Says({"target": GOOD | {"libc": "", "libc_version": ""}})).libc_version == (0, 0)  # type: ignore[union-attr]
    assert look_target(Says({})) is None


@pytest.mark.parametrize(
    "lie",
    [
        {"python": "3"},
        {"python": "3.x"},
        {"libc_version": "2"},
        {"room": "5"},
        {"room": -1},
        {"room": True},
        {"system": None},
        {"installed": [["-r /etc/passwd", "1"]]},
        {"installed": [["six", "1\n-r x"]]},
        {"installed": [["six"]]},
        {"installed": {}},
        {"kept": 7},
    ],
)
def test_what_makes_no_sense_is_no_requirement_here(lie: dict[str, object]) -> None:
    with pytest.raises(HostError, match="makes no sense"):
        look_target(Says({"target": GOOD | lie}))


def test_a_python_that_does_not_run_is_one_line() -> None:
    with pytest.raises(HostError, match=r"^its Python does not run: no such library$"):
        look_target(Says({"fails": "a\nno such library\n"}))
