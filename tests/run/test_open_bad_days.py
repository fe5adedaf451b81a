"""Open on bad days: hosts that lack or forbid something, and what ends while a page is open."""

import copy
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from disk import fill
from machine import PASSWORD, Machine
from notebook_client import Notebook
from opened import Page, opened
from processes import lives, start_of
from sshd import Sshd, free_port, wait_until

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
        # The next one brings both back, also for a page that is open since before.
        with opened(laptop(there, "other"), "--no-browser") as other:
            assert answers(other, there)
            wait_until(lambda: "connected again" in page.said, "the first one to go on")
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
        wait_until(lambda: "trying again" in one.said and "trying again" in two.said, "both to notice")
        with opened(laptop(there, "third"), "--no-browser") as three:
            assert answers(three, there)
            wait_until(lambda: "connected again" in one.said and "connected again" in two.said, "both to go on")
            assert answers(one, there)
            assert answers(two, there)


def test_a_relay_whose_socket_was_taken_is_replaced(there: Machine) -> None:
    set_up(there)
    with opened(there, "--no-browser") as page:
        assert page.port
    (relay,) = relays(there)
    for place in (there.folder / "relay").read_text().split():
        shutil.rmtree(place)  # as what cleans /var/tmp does
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
        wait_until(lambda: "refused" in page.said, "the reason")
        there.sshd.start()
        wait_until(lambda: "connected again" in page.said, "the connection to be there again")
        assert answers(page, there)
        assert page.said.count("trying again") == 1


@pytest.mark.parametrize("forbids", ["AllowStreamLocalForwarding", "AllowTcpForwarding"])
def test_one_way_through_sshd_is_enough(host: Host, forbids: str) -> None:
    machine = set_up(host(lines=f"{forbids} no"))
    plain = forbids == "AllowStreamLocalForwarding"
    with opened(machine, "--no-browser") as page:
        assert answers(page, machine)
        assert page.said.count(RISK) == plain
        assert (forbids in page.said) == plain
        assert machine.sshd
        machine.sshd.cut()
        wait_until(lambda: "connected again" in page.said, "the connection to be there again")
        assert answers(page, machine)
        assert page.said.count(RISK) == plain


def test_a_silent_link_without_a_relay_is_not_raced(host: Host) -> None:
    machine = set_up(host(lines="AllowStreamLocalForwarding no"))
    assert machine.sshd
    with opened(machine, "--no-browser") as page:
        assert answers(page, machine)
        made = machine.sshd.connections
        for number in (signal.SIGSTOP, signal.SIGCONT):
            for pid in sessions(machine.sshd):
                os.kill(pid, number)
            wait_until(lambda: "does not answer" in page.said, "the silence to be noticed")
        wait_until(lambda: "connected again" in page.said, "the old connection to answer")
        assert machine.sshd.connections == made


def sessions(sshd: Sshd) -> list[int]:
    """The processes of sshd's sessions."""
    from processes import descendants

    return descendants(sshd.process.pid, "sshd")


def test_no_way_through_sshd_is_said(host: Host) -> None:
    machine = set_up(host(lines="AllowStreamLocalForwarding no\nAllowTcpForwarding no"))
    said = machine.fails("open", "--no-browser")
    assert "AllowTcpForwarding local" in said
    assert "administrator" in said
    assert machine.json("status")["state"]["running"]


def test_one_session_is_enough(host: Host) -> None:
    machine = set_up(host(lines="MaxSessions 1"))
    with opened(machine, "--no-browser") as page:
        assert answers(page, machine)
        assert RISK not in page.said


def test_a_python_that_cannot_run_the_relay(host: Host, tmp_path: Path) -> None:
    python = tmp_path / "python"
    refuses = 'case "$*" in *nbfab_relay*) echo "SyntaxError: too old" >&2; exit 1 ;; esac'
    python.write_text(f'#!/bin/sh\n{refuses}\nexec {shlex.quote(sys.executable)} "$@"\n')
    python.chmod(0o755)
    machine = host()
    machine.env["NBFAB_PYTHON"] = str(python)
    set_up(machine)
    with opened(machine, "--no-browser") as page:
        assert answers(page, machine)
        assert page.said.count(RISK) == 1
        assert "SyntaxError: too old" in page.said
        assert not relays(machine)
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
    slow = tmp_path / "slow"
    shutil_tmux = tmp_path / "tmux"
    shutil_tmux.write_bytes(Path("/usr/bin/tmux").read_bytes())
    shutil_tmux.chmod(0o755)
    waits = f'case "$*" in *new-session*relay/*) : >{tmp_path}/waits; [ -e {tmp_path}/go ] || sleep 5 ;; esac'
    slow.write_text(f'#!/bin/sh\n{waits}\nexec {shutil_tmux} "$@"\n')
    slow.chmod(0o755)
    machine = set_up(host(replace={"/usr/bin/tmux": str(slow)}))
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
    # What was cut off may be at work for some seconds more, and says so to the next; then that one goes without.
    wait_until(lambda: not (machine.folder / "lock").exists(), "what was cut off to end")
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


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root: another user")
def test_another_user_gets_no_further_than_the_login_page(there: Machine) -> None:
    set_up(there)
    with opened(there, "--no-browser") as page:
        code = """
import json, socket, ssl, sys, http.client
out = {}
context = ssl._create_unverified_context()
for path in ("/login", "/api/kernels"):
    connection = http.client.HTTPSConnection("127.0.0.1", int(sys.argv[1]), context=context, timeout=20)
    connection.request("GET", path)
    out[path] = connection.getresponse().status
print(json.dumps(out))
"""
        done = subprocess.run(
            [sys.executable, "-c", code, str(page.port)],
            user=65534,
            group=65534,
            extra_groups=[],
            capture_output=True,
            text=True,
            check=True,
            cwd="/",
        )
        assert json.loads(done.stdout) == {"/login": 200, "/api/kernels": 403}
