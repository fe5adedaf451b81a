"""The sh that runs the members of a cluster and ends them, in the shells that hosts have: with stand-ins for Dask."""

import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from processes import lives, start_of
from shells import NASTY, each_shell, run, stub
from sshd import wait_until

from nbfab.apply.apply import FILES
from nbfab.program import call, functions, source

SCRIPT = functions("look/process", "plan/cluster")
ALL = functions(*FILES, "look/cluster", "apply/cluster") + "exec 3>&1\nexec 2>&1\n"
QUICK = "nap() {\nPATH=/usr/bin:/bin command sleep 0.02\n}\n"  # no one waits for ten seconds here
PLACE = 'it\'s a "b"\n$HOME `id` $(id) *'
LASTS = ": >serves; exec sleep 300"


class Box:
    """A profile whose Python runs those lines of sh in the place of Dask."""

    def __init__(self, folder: Path, member: str = LASTS) -> None:
        self.folder = folder
        (folder / "cluster/tmp").mkdir(parents=True)
        self.does(member)
        self.write()

    def does(self, member: str) -> None:
        """Has the Python do that; the reader of the log is the real one."""
        stub(self.folder, "python", f'case $1 in -BIS) exec {sys.executable} "$@" ;; esac\n{member}')

    def write(self, *words: str) -> None:
        """Writes the program of the worker."""
        python, reader = str(self.folder / "python"), source("plan/log_reader.py")
        named = {"role": "worker", "python": python, "mark": "abc", "waits_for": "192.0.2.1:10000"}
        text = SCRIPT + call("run_member", *words, **named, starter="the starter", log_reader=reader)
        (self.folder / "cluster/worker.sh").write_text(text)

    def has(self, name: str) -> bool:
        return (self.folder / name).exists()

    def text(self, name: str) -> str:
        path = self.folder / name
        return path.read_text() if path.exists() else ""

    @property
    def note(self) -> list[str]:
        """What is noted of the start: the keeper's pid and start, the mark, and when."""
        return self.text("cluster/worker.started").split()

    @property
    def keeper(self) -> int:
        return int(self.note[0])

    def said(self) -> list[str]:
        """The lines of the log, without their times."""
        return [line.partition("Z ")[2] for line in self.text("cluster/worker.log").splitlines()]

    def run(self, shell: tuple[str, ...], program: str, status: int = 0, head: str = "") -> str:
        """What a program prints that works in the folder, as tasks do."""
        enter = f"{head}profile=lab keeper=\nfolder={shlex.quote(str(self.folder))}\n"
        return run(shell, ALL + QUICK + enter + program + "exit $?\n", self.folder, status=status)


class Started:
    """A member that was started by hand, where that shell is sh."""

    def __init__(self, shell: tuple[str, ...], box: Box, stack: ExitStack) -> None:
        bin_ = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (bin_ / "sh").symlink_to(shutil.which(shell[0]) or "")
        env = {**os.environ, "PATH": f"{bin_}:{os.environ['PATH']}", "NBFAB_PASSWORD": "secret"}
        command = [*shell, "cluster/worker.sh"]
        self.process = subprocess.Popen(
            command, cwd=box.folder, env=env, stdout=subprocess.DEVNULL, start_new_session=True, umask=0o022
        )
        stack.callback(self.end)

    def end(self) -> None:
        """Ends all that is left of it."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def box(tmp_path: Path) -> Box:
    """A profile at a place with a nasty name."""
    return Box(tmp_path / PLACE / "lab")


def serving(shell: tuple[str, ...], box: Box, stack: ExitStack) -> Started:
    """A member that has been started, and serves."""
    started = Started(shell, box, stack)
    wait_until(lambda: box.has("serves") and len(box.note) == 4, "the member to serve")
    return started


@each_shell
def test_a_member_gets_its_words_and_is_noted(shell: tuple[str, ...], box: Box, stack: ExitStack) -> None:
    box.does(
        'printf "%s\\0" "$@" "$DASK_CONFIG" "$TMPDIR" "${NBFAB_PASSWORD-none}" "$(umask)" >words; echo said; ' + LASTS
    )
    box.write(*NASTY)
    serving(shell, box, stack)
    *words, config, temporary, password, mask = box.text("words").split("\0")[:-1]
    assert words == ["-B", "cluster/nbfab_worker.py", "distributed.cli.dask_worker", "192.0.2.1:10000", *NASTY]
    assert (config, temporary) == (f"{box.folder}/cluster/dask.yaml", f"{box.folder}/cluster/tmp")
    assert (password, int(mask, 8)) == ("none", 0o077)
    _, began, mark, since = box.note
    assert (began, mark) == (start_of(box.keeper), "abc")
    assert since.isdigit()
    wait_until(lambda: box.said()[:2] == ["nbfab: the worker starts", "said"], "the log")
    assert (box.folder / "cluster/worker.log").stat().st_mode & 0o777 == 0o600


@each_shell
def test_a_member_that_has_ended_is_started_again(shell: tuple[str, ...], box: Box, stack: ExitStack) -> None:
    box.does(f"echo >>runs; if [ ! -e again ]; then : >again; exit 3; fi; {LASTS}")
    serving(shell, box, stack)
    assert box.text("runs") == "\n\n"
    said = [
        "nbfab: the worker starts",
        "nbfab: the worker has ended: exit status 3; it is started again",
        "nbfab: the worker starts",
    ]
    wait_until(lambda: box.said()[:3] == said, "the log")
    assert start_of(box.keeper) == box.note[1], "the keeper is the same"


def test_a_member_that_ends_again_and_again_is_started_ever_more_seldom(box: Box, stack: ExitStack) -> None:
    box.does("exit 1")
    lasts = "if [ $(wc -l <pauses) -ge 7 ]; then exec /bin/sleep 300; fi"
    stub(box.folder, "sleep", f'echo "$1" >>pauses; {lasts}')  # the Python's folder comes first in PATH
    Started(("dash",), box, stack)
    wait_until(lambda: len(box.text("pauses").split()) == 7, "the pauses")
    assert box.text("pauses").split() == ["1", "2", "4", "8", "16", "32", "32"]


@each_shell
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_keeper_ends_it_and_the_member(
    shell: tuple[str, ...], number: signal.Signals, box: Box, stack: ExitStack
) -> None:
    box.does("echo $$ >member; trap 'echo ended >last; exit' TERM; : >serves; while :; do sleep 0.1; done")
    started = serving(shell, box, stack)
    member, keeper = int(box.text("member")), box.keeper
    os.kill(keeper, number)
    started.process.wait(20)
    assert box.text("last") == "ended\n", "it could end in order"
    assert not lives(member)
    assert not lives(keeper)
    assert len([line for line in box.said() if line == "nbfab: the worker starts"]) == 1


@each_shell
def test_control_c_in_its_window_ends_no_keeper(shell: tuple[str, ...], box: Box, stack: ExitStack) -> None:
    box.does(": >serves; trap ': >interrupted' INT; exec sleep 300")  # ignored on entry, it cannot be trapped
    started = serving(shell, box, stack)
    os.killpg(started.process.pid, signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        started.process.wait(0.5)
    assert lives(box.keeper)


@each_shell
def test_what_a_task_has_ended_stays_down(shell: tuple[str, ...], box: Box, stack: ExitStack) -> None:
    box.does(f"sleep 300 & echo $! >below; {LASTS}")
    started = serving(shell, box, stack)
    below, keeper = int(box.text("below")), box.keeper
    assert box.run(shell, call("end_member", "worker")) == ""
    started.process.wait(60)
    assert not lives(keeper)
    wait_until(lambda: not lives(below), "what the member had started")
    assert (box.has("cluster/worker.started"), box.has("cluster/worker.down")) == (False, True)
    assert box.run(shell, call("end_member", "worker")) == "", "nor is it an error to end it once more"


@each_shell
def test_a_member_that_ignores_being_told_to_end_is_killed(shell: tuple[str, ...], box: Box, stack: ExitStack) -> None:
    box.does("trap '' TERM HUP; sleep 300 & echo $! $$ >pids; : >serves; while :; do sleep 1; done")
    started = serving(shell, box, stack)
    pids = [*map(int, box.text("pids").split()), box.keeper]
    assert box.run(shell, call("end_member", "worker")) == ""
    started.process.wait(60)
    assert not [pid for pid in pids if lives(pid)]
    assert not box.has("cluster/worker.started")


@each_shell
def test_a_keeper_that_pauses_is_ended_too(shell: tuple[str, ...], box: Box, stack: ExitStack) -> None:
    box.does(": >serves; exit 1")
    stub(box.folder, "sleep", ": >pauses; exec /bin/sleep 300")
    started = serving(("dash",), box, stack)
    wait_until(lambda: box.has("pauses"), "the pause")
    keeper = box.keeper
    assert box.run(shell, call("end_member", "worker")) == ""
    started.process.wait(60)
    assert not lives(keeper)


@each_shell
def test_a_process_that_has_the_number_of_a_member_by_now_is_left_alone(shell: tuple[str, ...], box: Box) -> None:
    with subprocess.Popen(["sleep", "300"]) as other:
        (box.folder / "cluster/worker.started").write_text(f"{other.pid} 1 abc 1800000000\n")
        assert box.run(shell, call("end_member", "worker")) == ""
        assert other.poll() is None
        other.kill()
    assert not box.has("cluster/worker.started")


@each_shell
def test_without_tmux_no_member_is_started(shell: tuple[str, ...], box: Box) -> None:
    (box.folder / "bin").mkdir()
    (box.folder / "bin/echo").symlink_to("/bin/echo")  # yash has its own if PATH has one
    program = "PATH=$folder/bin\n" + call("start_member", role="worker", awaited="worker")
    assert box.run(shell, program, status=1) == "there is no tmux\n"
    assert not box.has("cluster/worker.down")


@each_shell
@pytest.mark.parametrize("down", ["", "worker", "scheduler"])
def test_at_boot_those_are_started_that_no_task_has_ended(shell: tuple[str, ...], down: str, box: Box) -> None:
    shutil.copy(box.folder / "cluster/worker.sh", box.folder / "cluster/scheduler.sh")
    if down:
        (box.folder / f"cluster/{down}.down").touch()
    stub(box.folder, "tmux", 'while [ "$1" != -s ]; do shift; done; echo "$2 $3"')
    program = functions("plan/at_boot") + 'PATH=$folder:$PATH keeper=""\n' + call("start_members_after_boot")
    started = [f"cluster/{role} exec /bin/sh cluster/{role}.sh" for role in ("scheduler", "worker") if role != down]
    assert box.run(shell, program).splitlines() == started


@each_shell
def test_a_session_that_ends_by_itself_a_moment_before_is_no_error(shell: tuple[str, ...], box: Box) -> None:
    with socket.socket(socket.AF_UNIX) as bound:
        here = os.getcwd()
        os.chdir(box.folder)  # the path of a socket has to be short
        bound.bind("tmux")
        os.chdir(here)
    has = "*has-session*) [ ! -e asked ] && : >asked ;;"
    (box.folder / "bin").mkdir()
    stub(box.folder / "bin", "tmux", f"case $* in {has} *) echo no server running >&2; exit 1 ;; esac")
    assert box.run(shell, "PATH=$folder/bin:$PATH\n" + call("end_member", "worker")) == ""


# In a real tmux


@pytest.fixture
def short() -> Iterator[Box]:
    """A profile at a place whose path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="nbfab", ignore_cleanup_errors=True) as folder:
        yield Box(Path(folder) / "a 'b' $c")
        subprocess.run(["tmux", "-S", Path(folder) / "a 'b' $c/tmux", "kill-server"], capture_output=True, check=False)


def sessions(box: Box) -> list[str]:
    """The sessions of its tmux."""
    command = ["tmux", "-S", str(box.folder / "tmux"), "list-sessions", "-F", "#{session_name}"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()


@pytest.mark.real
@each_shell
def test_a_member_runs_in_a_session_of_its_own_and_a_new_one_takes_its_place(
    shell: tuple[str, ...], short: Box
) -> None:
    keepers = []
    for _ in range(3):
        assert short.run(shell, call("start_member", role="worker", awaited="worker")) == ""
        keepers.append(short.keeper)
        assert sessions(short) == ["cluster/worker"]
    assert [lives(keeper) for keeper in keepers] == [False, False, True]
    assert not short.has("cluster/worker.down")
    assert short.run(shell, call("end_member", "worker")) == ""
    assert sessions(short) == []
    assert not lives(keepers[-1])


@pytest.mark.real
@each_shell
def test_what_has_outlived_its_keeper_ends_with_its_session(shell: tuple[str, ...], short: Box) -> None:
    short.does("echo $$ >member; exec sleep 300")
    assert short.run(shell, call("start_member", role="worker", awaited="worker")) == ""
    wait_until(lambda: short.text("member").strip(), "the member")
    os.kill(short.keeper, signal.SIGKILL)
    assert lives(int(short.text("member")))
    assert short.run(shell, call("end_member", "worker")) == ""
    wait_until(lambda: not lives(int(short.text("member"))), "the member to end")
    assert sessions(short) == []


@pytest.mark.real
@each_shell
def test_a_program_that_ends_before_it_notes_its_start_is_an_error(shell: tuple[str, ...], short: Box) -> None:
    (short.folder / "cluster/worker.sh").write_text("exit 3\n")
    told = short.run(shell, call("start_member", role="worker", awaited="worker"), status=1)
    assert told.startswith("the worker ended without a word; ")
