"""What tmux runs, in the shells that hosts have: with a stand-in for the server."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from processes import command_of, descendants, lives, start_of
from shells import each_shell, stub
from sshd import wait_until

from nbfab.program import call, functions, source

NEEDED = ("settings", "hash")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The profile's folder, in which the server's Python is a stand-in."""
    for name in NEEDED:
        (tmp_path / name).touch()
    script = functions("look/process", "plan/run") + call(":", log_reader=source("plan/log_reader.py"))
    named = {"digest": "abc", "python": str(tmp_path / "python"), "needed": " ".join(NEEDED)}
    (tmp_path / "run.sh").write_text(script + call("run_server", "it's", "two words", **named))
    serves(tmp_path, 'echo "$1 $3, $JUPYTER_CONFIG_DIR, $(umask)" >served; echo said; exec sleep 60')
    return tmp_path


def serves(folder: Path, server: str) -> None:
    """Makes those lines the stand-in for the server; Python's other programs are as they are."""
    stub(folder, "python", f'case $1 in -BI*) exec {sys.executable} "$@" ;; esac; {server}')


def start(shell: tuple[str, ...], folder: Path) -> "subprocess.Popen[bytes]":
    """Runs the program as tmux does, where that shell is sh."""
    (folder / "bin").mkdir()
    (folder / "bin/sh").symlink_to(shutil.which(shell[0]) or "")
    env = {**os.environ, "PATH": f"{folder}/bin:{folder}:{os.environ['PATH']}", "NBFAB_PASSWORD": "secret"}
    return subprocess.Popen([*shell, "run.sh"], cwd=folder, env=env, stdout=subprocess.DEVNULL, umask=0o027)


def said(folder: Path) -> list[str]:
    """The lines of the log, without the time in front of each, and without those that tell of a start."""
    lines = [line.partition("Z ")[2] for line in (folder / "server.log").read_text().splitlines()]
    return [line for line in lines if line != "nbfab: the server starts"]


@each_shell
def test_the_server_is_started_with_a_note_of_which_process_it_is(shell: tuple[str, ...], folder: Path) -> None:
    with start(shell, folder) as runner:
        log = folder / "server.log"
        wait_until(lambda: log.exists() and " said\n" in log.read_text(), "the server to start")
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
    serves(folder, "env >served; exec sleep 60")
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
    assert said(folder) == [f"nbfab: {folder}/{name} is missing, so the server is not started"]
    assert not (folder / "served").exists()


@each_shell
def test_a_server_that_crashes_is_started_again_and_what_ended_it_is_noted(
    shell: tuple[str, ...], folder: Path
) -> None:
    serves(folder, "echo x >>runs; read -r n <<v\n$(wc -l <runs)\nv\nif [ $n = 1 ]; then kill -9 $$; fi; exec sleep 60")
    (folder / "runtime").mkdir()
    with start(shell, folder) as runner:
        wait_until(lambda: (folder / "runs").exists() and len((folder / "runs").read_text()) == 4, "the second start")
        wait_until(lambda: "sleep" in Path(f"/proc/{started(folder)[1]}/comm").read_text(), "it to serve")
        first, pid, began, _, since = started(folder)
        assert (int(first), began) == (runner.pid, start_of(pid))
        restarts, at, *what = (folder / "ended").read_text().split()
        assert (restarts, what) == ("1", ["signal", "9", "again"])
        assert int(since) >= int(at) + 2
        os.kill(int(pid), signal.SIGTERM)
        assert runner.wait(30) == 143
    runs = [line.split() for line in (folder / "ran").read_text().splitlines()]
    assert [(word, int(began) <= int(ended)) for word, began, ended in runs] == [("run", True)] * 2
    assert runs[1][1] == since
    assert (folder / "ended").read_text().split()[2:] == ["signal", "15", "down"]
    assert "nbfab: the server has ended: signal 9; it is started again" in said(folder)  # beside the shell's own words


def started(folder: Path) -> list[str]:
    """What the last start has noted."""
    return (folder / "started").read_text().split()


@each_shell
@pytest.mark.parametrize("status", [0, 130, 143])
def test_a_server_that_ends_in_order_stays_down(shell: tuple[str, ...], status: int, folder: Path) -> None:
    serves(folder, f"echo x >>runs; exit {status}")
    with start(shell, folder) as runner:
        assert runner.wait(30) == status
    assert (folder / "runs").read_text() == "x\n"
    assert (folder / "ended").read_text().split()[4] == "down"


@each_shell
def test_a_server_that_ends_because_it_is_idle_stays_down_and_that_is_noted(
    shell: tuple[str, ...], folder: Path
) -> None:
    serves(folder, ": >idled; exit 0")
    with start(shell, folder) as runner:
        assert runner.wait(30) == 0
    assert (folder / "ended").read_text().split()[2:] == ["idle", "0", "down"]
    assert not (folder / "idled").exists()


@each_shell
def test_a_sixth_crash_in_five_minutes_is_the_last(shell: tuple[str, ...], folder: Path) -> None:
    serves(folder, "echo x >>runs; exit 7")
    stub(folder, "sleep", "exit 0")
    with start(shell, folder) as runner:
        assert runner.wait(30) == 7
    assert (folder / "runs").read_text() == "x\n" * 6
    assert (folder / "ended").read_text().split()[0] == "5"
    assert (folder / "ended").read_text().split()[2:] == ["exit", "7", "given-up"]
    assert said(folder)[-1] == (
        "nbfab: the server has ended: exit status 7; it has crashed 6 times in 5 minutes, and stays down"
    )


@each_shell
def test_stop_reaches_a_server_that_is_about_to_be_started_again(shell: tuple[str, ...], folder: Path) -> None:
    serves(folder, "echo x >>runs; exit 7")
    with start(shell, folder) as runner:
        wait_until(lambda: (folder / "ended").exists(), "the crash")
        (folder / "stopping").touch()
        assert runner.wait(30) == 7
    assert (folder / "runs").read_text() == "x\n"
    assert (folder / "ended").read_text().split()[4] == "down"


@each_shell
def test_a_reader_that_dies_does_not_end_the_server(shell: tuple[str, ...], folder: Path) -> None:
    serves(folder, "echo one; while [ ! -e more ]; do sleep 0.1; done; echo two; exit 0")
    with start(shell, folder) as runner:
        wait_until(lambda: (folder / "server.log").exists() and said(folder) == ["one"], "the log")
        (reader,) = [pid for pid in descendants(runner.pid, "") if b"-BIS" in command_of(pid)]
        os.kill(reader, signal.SIGKILL)
        wait_until(lambda: not lives(reader), "it to end, which might read once more until then")
        (folder / "more").touch()
        assert runner.wait(30) == 0
    assert said(folder) == ["one", "two"]


@each_shell
def test_a_start_after_the_host_s_says_so(shell: tuple[str, ...], folder: Path) -> None:
    serves(folder, "exit 0")
    (folder / "boot").write_text("another-run 7\n")
    (folder / "ended").write_text("2 1764000000 exit 1 again\n")
    serves(folder, "cp ended before; exit 0")
    with start(shell, folder) as runner:
        assert runner.wait(30) == 0
    assert (folder / "before").read_text().split()[0::2] == ["3", "host", "again"]
    assert (folder / "ended").read_text().split()[0] == "3"
    assert Path("/proc/sys/kernel/random/boot_id").read_text().strip() in (folder / "boot").read_text()
