"""Open on bad days: hosts that lack or forbid something, and what ends while a page is open."""

import copy
import errno
import http.client
import os
import shutil
import signal
import socket
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from disk import fill
from machine import BIN, PASSWORD, Machine
from notebook_client import Notebook
from opened import Page, opened
from processes import descendants, lives, start_of
from sshd import free_port, wait_until

from nbfab.relay.serve import place

STRANGER = 65534  # a user without rights
RISK = "may be missing from the page"

Host = Callable[..., Machine]


@pytest.fixture
def there(there: Machine) -> Machine:
    there.program = "nbfab"
    return there


def set_up(machine: Machine) -> Machine:
    """A host on which the server runs."""
    machine.program = "nbfab"
    machine.ok("setup")
    return machine


def laptop(machine: Machine, name: str) -> Machine:
    """Another machine from which the same host is reached."""
    other = copy.copy(machine)
    other.work = machine.work.parent / name
    other.work.mkdir()
    other.env = machine.env | {"HOME": str(other.work)}
    return other


def relays(machine: Machine) -> list[int]:
    """The processes of the relays that run there."""
    notes = [note.read_text().split() for note in machine.folder.glob("relay-*.started")]
    return [int(pid) for pid, start in notes if start_of(pid) == start]


def answers(page: Page, machine: Machine) -> bool:
    """Whether the server answers through the page's port."""
    return bool(Notebook(page.port, machine.folder, PASSWORD).get("/api")["version"])


def test_stop_ends_the_relay_and_restart_does_not(there: Machine) -> None:
    set_up(there)
    with opened(there, "--no-browser") as page:
        assert answers(page, there)
        (relay,) = relays(there)
        assert "Max file size             1048576 " in Path(f"/proc/{relay}/limits").read_text()
        assert {path.stat().st_mode & 0o077 for path in there.folder.glob("relay*")} == {0}
        there.ok("restart")
        assert relays(there) == [relay]
        assert answers(page, there)
        there.ok("setup", "--port", str(free_port()))
        assert relays(there) == [relay]
        assert answers(page, there)
        assert "end the relay of open" in there.ok("stop")
        assert not lives(relay)
        assert not list(there.folder.glob("relay-*"))
        assert "it does not run" in there.ok("stop")
        page.prints("the notebook server there has ended")
        # The next one brings both back, also for a page that is open since before.
        with opened(laptop(there, "other"), "--no-browser") as other:
            assert answers(other, there)
            page.prints("answers again", 120)
            assert answers(page, there)
    os.kill(there.server, signal.SIGTERM)
    wait_until(lambda: not there.server, "the server to end")
    assert "end the relay of open" in there.ok("stop")
    assert relays(there) == []


def test_a_relay_of_another_version_is_left_until_all_is_to_end(there: Machine) -> None:
    set_up(there)
    with subprocess.Popen(["sleep", "300"]) as old:
        try:
            note = there.folder / "relay-0.started"
            note.write_text(f"{old.pid} {start_of(old.pid)}\n")
            with opened(there, "--no-browser") as page:
                assert answers(page, there)
                assert old.pid in relays(there)
                assert len(relays(there)) == 2
            assert "end the relay of open" in there.ok("stop")
            assert old.wait(10) == -signal.SIGTERM
            assert not list(there.folder.glob("relay-*"))
        finally:
            old.kill()


def test_two_laptops_share_a_relay_and_outlive_its_end(there: Machine) -> None:
    set_up(there)
    with opened(there, "--no-browser") as one, opened(laptop(there, "other"), "--no-browser") as two:
        assert answers(one, there)
        assert answers(two, there)
        assert one.port != two.port
        (relay,) = relays(there)
        os.kill(relay, signal.SIGKILL)
        wait_until(lambda: "was started again" in one.said + two.said, "one of them to start it again")
        with opened(laptop(there, "third"), "--no-browser") as three:
            assert answers(three, there)
            assert len(relays(there)) == 1
            assert answers(one, there)
            assert answers(two, there)


def test_a_relay_whose_socket_was_taken_is_replaced(long_home: Machine) -> None:
    there = set_up(long_home)
    with opened(there, "--no-browser") as page:
        assert page.port
    (relay,) = relays(there)
    for folder in (there.folder / "relay").read_text().split():
        shutil.rmtree(folder)  # as what cleans /var/tmp does
    with opened(there, "--no-browser") as page:
        assert answers(page, there)
        assert RISK not in page.said
        assert not lives(relay)


def test_sshd_is_ended_and_started_again(there: Machine) -> None:
    set_up(there)
    assert there.sshd
    with opened(there, "--no-browser") as page:
        assert answers(page, there)
        there.sshd.stop()
        there.sshd.cut()
        page.prints("refused")
        there.sshd.start()
        page.prints("connected again")
        assert answers(page, there)
        assert page.said.count("trying again") == 1


def test_where_sockets_are_not_forwarded_the_link_is_a_plain_one(host: Host) -> None:
    machine = set_up(host(lines="AllowStreamLocalForwarding no"))
    with opened(machine, "--no-browser") as page:
        assert answers(page, machine)
        assert page.said.count(RISK) == 1
        assert "AllowStreamLocalForwarding" in page.said
        machine.ok("restart")
        assert answers(page, machine)
        assert machine.sshd
        machine.sshd.cut()
        page.prints("connected again")
        assert answers(page, machine)
        assert page.said.count(RISK) == 1
        assert page.said.count("trying again") == 1


def test_a_silent_link_without_a_relay_is_not_raced(host: Host) -> None:
    machine = set_up(host(lines="AllowStreamLocalForwarding no"))
    assert machine.sshd
    with opened(machine, "--no-browser") as page:
        assert answers(page, machine)
        made = machine.sshd.connections
        for number in (signal.SIGSTOP, signal.SIGCONT):
            for pid in descendants(machine.sshd.process.pid, "sshd"):
                os.kill(pid, number)
            page.prints("does not answer")
        page.prints("connected again")
        assert machine.sshd.connections == made


@pytest.mark.parametrize("line", ["AllowTcpForwarding no", "DisableForwarding yes"])
def test_where_nothing_is_forwarded_that_is_said(host: Host, line: str) -> None:
    machine = set_up(host(lines=line))
    said = machine.fails("open", "--no-browser")
    assert "AllowTcpForwarding local" in said
    assert "administrator" in said
    assert machine.json("status")["state"]["running"]


def test_one_session_is_enough(host: Host) -> None:
    machine = set_up(host(lines="MaxSessions 1"))
    with opened(machine, "--no-browser") as page:
        assert answers(page, machine)
        assert RISK not in page.said


def fake_tmux(folder: Path, line: str) -> dict[str, str]:
    """What replaces tmux: the real one, but for what a line of sh does where the relay is started."""
    real, fake = folder / "tmux", folder / "fake"
    shutil.copy("/usr/bin/tmux", real)
    fake.write_text(f'#!/bin/sh\ncase "$*" in *new-session*relay/*) {line} ;; esac\nexec {real} "$@"\n')
    fake.chmod(0o755)
    return {"/usr/bin/tmux": str(fake)}


def test_a_relay_that_does_not_start(host: Host, tmp_path: Path) -> None:
    # As where the host's Python is too old for it.
    instead = "echo SyntaxError >relay-1.log; exit 1"
    line = f'exec {tmp_path}/tmux -S "$2" -f /dev/null new-session -d -s relay/relay-1 "{instead}"'
    machine = set_up(host(replace=fake_tmux(tmp_path, line)))
    with opened(machine, "--no-browser") as page:
        assert answers(page, machine)
        assert page.said.count(RISK) == 1
        assert page.said.count("could not be started there: SyntaxError") == 1
        assert not list(machine.folder.glob("relay-*"))


def test_a_full_disk(host: Host) -> None:
    machine = host(disk="8m")
    set_up(machine)
    assert machine.sshd
    with (machine.sshd.files / ".local/share/filler").open("wb", buffering=0) as file:
        fill(file)
    with opened(machine, "--no-browser") as page:
        assert answers(page, machine)
        assert page.said.count(RISK) == 1
        assert "KiB free" in page.said


def test_a_cut_while_the_relay_starts(host: Host, tmp_path: Path) -> None:
    line = f": >{tmp_path}/waits; [ -e {tmp_path}/go ] || sleep 5"
    machine = set_up(host(replace=fake_tmux(tmp_path, line)))
    assert machine.sshd
    out = tmp_path / "said"
    with open(out, "wb") as file:
        run = subprocess.Popen(
            machine.command("open", "--no-browser"), env=machine.env, cwd=machine.work, stdout=file, stderr=file
        )
    wait_until((tmp_path / "waits").exists, "the relay to be started")
    machine.sshd.cut()
    assert run.wait(30) == 1
    assert "start the relay" in out.read_text()
    (tmp_path / "go").touch()
    # What was cut off may be at work for some seconds more, and says so to the next; that would go without.
    holder = machine.folder / "lock/holder"
    wait_until(lambda: not (holder.exists() and lives(holder.read_text().split()[0])), "what was cut off to end")
    with opened(machine, "--no-browser") as page:
        assert answers(page, machine)
        assert RISK not in page.said
        assert len(relays(machine)) == 1


def test_long_paths_at_both_ends(long_home: Machine, tmp_path: Path) -> None:
    set_up(long_home)
    place = tmp_path / ("temporary" * 12)
    place.mkdir(mode=0o700)
    long_home.env |= {"TMPDIR": str(place), "XDG_RUNTIME_DIR": str(place)}
    with opened(long_home, "--no-browser") as page:
        assert answers(page, long_home)
        assert RISK not in page.said
        assert len(relays(long_home)) == 1
        folder = Path((long_home.folder / "relay").read_text().strip())
        assert folder.parent == Path("/var/tmp")
    long_home.ok("stop")
    assert not list(folder.iterdir())
    long_home.ok("remove", "--yes")
    assert not folder.exists()


def test_a_machine_without_ssh(there: Machine) -> None:
    empty = there.work / "bin"
    empty.mkdir()
    (empty / "nbfab").symlink_to(BIN / "nbfab")
    said = there.fails("open", "--no-browser", PATH=str(empty))
    assert "ssh is not installed on this machine" in said
    assert "openssh" in said.lower()


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root: another user")
def test_another_user_gets_no_further_than_the_login_page(there: Machine) -> None:
    set_up(there)
    with opened(there, "--no-browser") as page:
        port, relay = page.port, place(str(there.folder))
        mine = {str(path) for path in Path("/tmp").glob("nbfab-*/**/[smc]")}
        assert mine
        assert as_another_user(lambda: status(port, "/login")) == 200
        assert as_another_user(lambda: status(port, "/api/kernels")) == 403
        for path in (relay, *mine):
            assert as_another_user(lambda path=path: connects(path)) == errno.EACCES  # type: ignore[misc]


def status(port: int, path: str) -> int:
    """What the server behind a port answers, whatever its certificate."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=30)
    connection.request("GET", path)
    return connection.getresponse().status


def connects(path: str) -> int:
    """The error of a connection to a socket; 0 if it takes one."""
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(path)


def as_another_user(does: Callable[[], int]) -> int:
    """What it returns for a user who is no one in particular."""
    reading, writing = os.pipe()
    if (pid := os.fork()) == 0:
        try:
            os.setgroups([])
            os.setgid(STRANGER)
            os.setuid(STRANGER)
            os.write(writing, str(does()).encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(pid, 0)
    with open(reading, "rb") as answer:
        return int(answer.read() or b"-1")
