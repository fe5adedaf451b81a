"""What tmux runs, in the shells that hosts have: with a stand-in for the server."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from processes import start_of
from shells import each_shell, stub
from sshd import wait_until

from nbfab.program import call, functions

NEEDED = ("settings", "hash")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The profile's folder, in which the server's Python is a stand-in."""
    for name in NEEDED:
        (tmp_path / name).touch()
    script = functions("look/process", "plan/run")
    named = {"digest": "abc", "python": str(tmp_path / "python"), "needed": " ".join(NEEDED)}
    (tmp_path / "run.sh").write_text(script + call("run_server", "it's", "two words", **named))
    stub(tmp_path, "python", 'echo "$1 $3, $JUPYTER_CONFIG_DIR, $(umask)" >served; echo said; exec sleep 60')
    return tmp_path


def start(shell: tuple[str, ...], folder: Path) -> "subprocess.Popen[bytes]":
    """Runs the program as tmux does, where that shell is sh."""
    (folder / "bin").mkdir()
    (folder / "bin/sh").symlink_to(shutil.which(shell[0]) or "")
    env = {**os.environ, "PATH": f"{folder}/bin:{os.environ['PATH']}", "NBFAB_PASSWORD": "secret"}
    return subprocess.Popen([*shell, "run.sh"], cwd=folder, env=env, stdout=subprocess.DEVNULL, umask=0o027)


@each_shell
def test_the_server_is_started_with_a_note_of_which_process_it_is(shell: tuple[str, ...], folder: Path) -> None:
    with start(shell, folder) as runner:
        log = folder / "server.log"
        wait_until(lambda: log.exists() and "said\n" in log.read_text(), "the server to start")
        first, pid, began, digest, _ = (folder / "started").read_text().split()
        try:
            assert (int(first), digest) == (runner.pid, "abc")
            assert began == start_of(pid) != ""
            assert b"NBFAB_PASSWORD" not in Path(f"/proc/{pid}/environ").read_bytes()
        finally:
            os.kill(int(pid), signal.SIGTERM)
    words, _, mask = (folder / "served").read_text().rpartition(", ")
    assert words == f"-B two words, {folder}/jupyter"
    assert int(mask, 8) == 0o027
    assert (folder / "started").stat().st_mode & 0o777 == 0o600


def test_it_is_started_with_the_environment_that_was_taken_for_it(folder: Path) -> None:
    nasty = 'it\'s\n"two" $lines `id`'
    (folder / "environ").write_text(
        f"PATH={os.environ['PATH']}\0NASTY={nasty}\0python=x\0IFS=x\0UID=7\0SHELL=/bin/fish\0"
    )
    takes = f'if [ "$1" = -BI ]; then exec {sys.executable} "$@"; fi'
    stub(folder, "python", f"{takes}; env >served; exec sleep 60")
    with start(("sh",), folder) as runner:
        wait_until(lambda: "NASTY" in (folder / "served").read_text() if (folder / "served").exists() else False, "it")
        first, pid, *_ = (folder / "started").read_text().split()
        served = Path(f"/proc/{pid}/environ").read_text().split("\0")
        os.kill(int(pid), signal.SIGTERM)
    assert int(first) == runner.pid
    assert {f"NASTY={nasty}", "SHELL=/bin/fish", f"JUPYTER_CONFIG_DIR={folder}/jupyter"} <= set(served)
    assert not [entry for entry in served if entry.startswith("NBFAB")]


@each_shell
@pytest.mark.parametrize("name", NEEDED)
def test_the_server_is_not_started_without_a_file_that_it_needs(
    shell: tuple[str, ...], name: str, folder: Path
) -> None:
    (folder / name).unlink()
    with start(shell, folder) as runner:
        assert runner.wait(60) == 1
    assert (folder / "server.log").read_text() == (f"nbfab: {folder}/{name} is missing, so the server is not started\n")
    assert not (folder / "served").exists()
