"""The program that asks a login shell for its environment: what it writes, prints and leaves behind."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from shells import stub

from nbfab.program import source

CODE = source("apply/login_probe.py")
VALUES = {
    "PLAIN": "1",
    "LINES": "a\nb\n",
    "QUOTED": 'it\'s "x" $HOME `id`',
    "BYTES": "\udcff",
    "BASH_FUNC_module%%": "() { :; }",
}


def probe(folder: Path, *why: str, shell: str = "", **env: str) -> tuple[str, dict[str, str]]:
    """What it prints, and the variables that it has written."""
    file = folder / "environ"
    names = {"HOME": str(folder), "PATH": os.environ["PATH"], "SHELL": shell or str(folder / "shell"), **env}
    command = [sys.executable, "-I", "-c", CODE, str(file), *why]
    done = subprocess.run(
        command, cwd="/", env=names, capture_output=True, text=True, timeout=60, check=True, umask=0o077
    )
    assert file.stat().st_mode & 0o777 == 0o600
    entries = os.fsdecode(file.read_bytes()).split("\0")
    return done.stdout, dict(entry.split("=", 1) for entry in entries if entry)


def test_variables_are_taken_whatever_they_hold_and_none_of_it_is_printed(tmp_path: Path) -> None:
    stub(tmp_path, "shell", 'umask 0; echo noise; echo noise >&2; while [ "$1" != -c ]; do shift; done; eval "$2"')
    said, found = probe(tmp_path, **VALUES)
    assert {name: found.get(name) for name in VALUES if "%" not in name} == {
        name: value for name, value in VALUES.items() if "%" not in name
    }
    assert said == f"whole from {tmp_path}/shell -l -i\n"
    assert {path.name for path in tmp_path.iterdir()} == {"shell", "environ"}


@pytest.mark.parametrize(
    "name",
    [
        "SSH_CONNECTION",
        "TMUX_PANE",
        "XDG_RUNTIME_DIR",
        "DBUS_X",
        "DISPLAY",
        "PYTHONHOME",
        "JUPYTER_PATH",
        "NBFAB_PASSWORD",
    ],
)
@pytest.mark.parametrize("shell", ["", "/usr/sbin/nologin"])
def test_what_belongs_to_one_login_is_not_taken(tmp_path: Path, name: str, shell: str) -> None:
    stub(tmp_path, "shell", 'while [ "$1" != -c ]; do shift; done; eval "$2"')
    _, found = probe(tmp_path, shell=shell, **{name: "x", "KEPT": "y"})
    assert found["KEPT"] == "y"
    assert name not in found


def test_a_complaint_of_a_shell_is_passed_on_and_a_trace_is_not(tmp_path: Path) -> None:
    (tmp_path / ".profile").touch()
    stub(
        tmp_path,
        "sh",
        "echo '+ export TOKEN=/x: 3: secret' >&2; echo \"$HOME/.profile: 3: nope: not found\" >&2; exit 2",
    )
    said, _ = probe(tmp_path, shell=str(tmp_path / "sh"))
    both = f"{tmp_path}/sh -l -i and {tmp_path}/sh -l ended before it could be asked (exit status 2)"
    assert said == f"none {both} ({tmp_path}/.profile: 3: nope: not found): see ~/.profile\n"


def test_without_a_login_the_variables_that_keep_python_from_importing_are_named(tmp_path: Path) -> None:
    (tmp_path / "tornado.py").write_text("raise ImportError\n")
    old = f"PYTHONPATH={tmp_path}\0PYTHONDONTWRITEBYTECODE=1\0OTHER=1\0"
    (tmp_path / "environ").write_text(old)
    said, found = probe(tmp_path, "it ended at once", shell="/bin/sh")
    words = "the server did not start with that of /bin/sh: it ended at once; remove PYTHONPATH from its startup files"
    assert said == f"none {words}\n"
    assert not found.keys() & {"PYTHONPATH", "OTHER"}
