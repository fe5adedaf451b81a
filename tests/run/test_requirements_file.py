"""The requirements file that a run names: how long it may be, and what becomes of its record on the host."""

import json
import os
import shlex
import subprocess
from pathlib import Path

import pytest
from machine import BIN
from shells import each_shell, records, run

from nbfab.errors import UsageError
from nbfab.fix import Command, Task
from nbfab.look.fact import text as bounded
from nbfab.plan.asked import FILE, Asked, Had, text
from nbfab.program import call, functions
from nbfab.run.requirements import Files


def lock(packages: int) -> str:
    """A requirements file of a project with that many packages, each with a dozen hashes."""
    hashes = "".join(f" --hash=sha256:{number:064}" for number in range(12))
    return "".join(f"package-{number}==1.0{hashes}\n" for number in range(packages))


def named(tmp_path: Path, content: str) -> str:
    """The path of a file with that content."""
    (tmp_path / "locked.txt").write_text(content)
    return str(tmp_path / "locked.txt")


def test_a_long_lock_is_taken_and_an_endless_one_is_not(tmp_path: Path) -> None:
    assert len(Files().read(named(tmp_path, lock(150))).lines) == 150
    with pytest.raises(UsageError, match=r"^locked.txt is too long: with its hashes, it has more than 160 kB$"):
        Files().read(named(tmp_path, lock(300)))


def test_a_uv_lock_that_is_too_long_has_the_command_for_a_shorter_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "p"\nversion = "1"\nrequires-python = ">=3.9"\n')
    monkeypatch.setenv("PATH", f"{BIN}:{os.environ['PATH']}")
    subprocess.run(["uv", "lock", "-q", "--offline"], cwd=tmp_path, check=True)
    monkeypatch.setattr("nbfab.requirements.uv_lock.exported", lambda *_: lock(300))
    with pytest.raises(UsageError, match=r"^uv.lock is too long") as error:
        Files().read(str(tmp_path / "uv.lock"))
    words, command, then = error.value.fix
    assert words == "uv writes it without them"
    assert isinstance(command, Command)
    assert isinstance(then, Task)
    subprocess.run([*shlex.split(command.line), "--offline"], check=True, capture_output=True)
    assert f"--requirements={tmp_path / 'requirements.txt'}" in then.options
    assert (tmp_path / "requirements.txt").exists()


@each_shell
def test_a_look_reads_the_longest_record_whole(shell: tuple[str, ...], tmp_path: Path) -> None:
    lines = tuple(lock(140).splitlines())
    short = tuple(f'a{number} ; python_version > "3"' for number in range(4000))
    for each in (lines, short):
        ask = Asked("x.txt", each)
        assert 130_000 < len(text(Had(ask))) < 160_000
        content = text(Had(ask, ask, "0123456789ab"))
        (tmp_path / FILE).write_text(content)
        program = functions("look/json", "look/files") + call("print_entries", paths=FILE, texts=FILE, certificates="")
        (record,) = records(run(shell, program, tmp_path))
        assert bounded(record["files.entries"]["text"]) == content
        assert json.loads(content)["before"]["lines"] == list(each)
