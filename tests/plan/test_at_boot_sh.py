"""What the host runs when it boots, in the shells that hosts have."""

import os
import socket
import sys
from pathlib import Path

import pytest
from processes import start_of
from shells import each_shell, run, stub

from nbfab.plan.at_boot import _FILES
from nbfab.program import call, functions

PROBE = 'import sys; open(sys.argv[1], "w").write("SECRET=x\\0"); print("whole from sh")'
TMUX = """
echo "$*" >>{log}
if [ -f environ ]; then echo "with an environment" >>{log}; fi
echo "1 1 1 digest 1764000000" >started"""


class Box:
    """A host that boots; its `profile` is set up, and `log` is what tmux was asked for."""

    def __init__(self, folder: Path) -> None:
        self.profile, self.bin, self.log = folder / "pro file", folder / "bin", folder / "log"
        self.profile.mkdir()
        self.bin.mkdir()
        stub(self.bin, "tmux", TMUX.format(log=self.log))

    def boots(self, shell: tuple[str, ...]) -> list[str]:
        """What tmux was asked for."""
        script = self.profile / "at_boot.sh"
        named = {"folder": str(self.profile), "profile": "lab", "python": sys.executable, "login_probe": PROBE}
        script.write_text(functions(*_FILES) + call("start_after_boot", **named))
        self.log.write_text("")
        env = {"PATH": f"{self.bin}:{os.environ['PATH']}"}
        assert run((*shell, str(script)), "", env=env, status=None) == ""
        return self.log.read_text().splitlines()


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


@each_shell
def test_it_starts_the_session_with_the_environment_of_a_login(shell: tuple[str, ...], box: Box) -> None:
    for name in ("stopping", "boot", "ended"):
        (box.profile / name).write_text(f"{name}\n")
    (box.profile / "started").write_text("1 999999 5 digest 1700000000\n")
    session = f"-S {box.profile}/tmux -f /dev/null new-session -d -s lab exec /bin/sh run.sh"
    started, had = box.boots(shell)
    assert (started.partition(" ; ")[0], had) == (session, "with an environment")
    # What it may hold is gone, and so is the note of a stop; what ended the server before is for run.sh to say.
    assert not (box.profile / "environ").exists()
    assert not (box.profile / "stopping").exists()
    assert (box.profile / "boot").read_text() == "boot\n"
    assert (box.profile / "ended").read_text() == "ended\n"
    assert (box.profile / "login").read_text() == "whole from sh\n"


@each_shell
def test_with_an_environment_that_kept_it_from_starting_it_starts_without(shell: tuple[str, ...], box: Box) -> None:
    (box.profile / "login").write_text("none the server did not start with that of /bin/sh\n")
    assert len(box.boots(shell)) == 1


@each_shell
def test_a_server_that_runs_is_left_alone(shell: tuple[str, ...], box: Box) -> None:
    started = f"1 {os.getpid()} {start_of(os.getpid())} digest 1700000000\n"
    (box.profile / "started").write_text(started)
    assert box.boots(shell) == []
    assert (box.profile / "started").read_text() == started


@each_shell
def test_no_second_loop_is_started_beside_one_that_waits_after_a_crash(
    shell: tuple[str, ...], box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub(box.bin, "tmux", f"case $* in *list-panes*) echo lab=4711 ;; *) {TMUX.format(log=box.log)} ;; esac")
    monkeypatch.chdir(box.profile)  # the whole path may be too long for a socket
    with socket.socket(socket.AF_UNIX) as there:
        there.bind("tmux")
        for runner, starts in (("4711", 0), ("471", 1)):
            Path("started").write_text(f"{runner} 999999 5 digest 1700000000\n")
            assert len([line for line in box.boots(shell) if "new-session" in line]) == starts


@each_shell
def test_a_session_that_a_task_has_started_meanwhile_stays_the_only_one(shell: tuple[str, ...], box: Box) -> None:
    found = "case $* in *list-panes*) echo lab=4711 ;; *)"
    new = f'echo "$*" >>{box.log}; {sys.executable} -c "import socket; socket.socket(socket.AF_UNIX).bind(\'tmux\')"'
    stub(box.bin, "tmux", f'{found} {new}; echo "1 1 1 digest 1764000000" >started; exit 1 ;; esac')
    assert len(box.boots(shell)) == 1
