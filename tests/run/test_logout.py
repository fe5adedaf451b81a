"""Hosts whose logind ends what users leave running, with a real one."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from home import snapshot
from machine import BIN, PASSWORD, Machine
from notebook_client import logs_in
from sshd import Sshd
from systemd import Systemd
from terminal import Terminal

Lodging = Callable[[str, bool], tuple[Machine, Systemd]]


@pytest.fixture
def lodging(tmp_path: Path) -> Iterator[Lodging]:
    """Makes a host with a logind as configured, where users may let themselves linger or not."""
    with ExitStack() as stack:

        def make(logind: str, polkit: bool) -> tuple[Machine, Systemd]:
            system = stack.enter_context(Systemd(logind, polkit=polkit))
            # Not in the test's folder, which other users may not enter.
            host = Sshd(
                system.folder / "host", lines="UsePAM yes", within=system.within, home=system.home, user=system.user
            )
            machine = Machine(tmp_path, stack.enter_context(host), "fab")
            machine.env["NBFAB_PYTHON"] = "/usr/bin/python3"  # Debian's; that of these tests is in root's home folder
            return machine, system

        yield make


@pytest.mark.parametrize("logind", ["KillUserProcesses=yes", "KillOnlyUsers=root lodger"], ids=["all", "listed"])
def test_a_server_that_ends_with_the_login_is_not_done(lodging: Lodging, logind: str) -> None:
    machine, system = lodging(logind, False)
    before = machine.run("plan")
    assert "sudo" not in before.stderr
    assert (
        f"an administrator has to\n               on box: sudo loginctl enable-linger {system.user}\n" in before.stdout
    )
    for _ in range(2):
        said = machine.fails("setup")
        assert "box: failed" in said
        assert "the server was ready, and has ended with the login that started it: logind ends" in said
        assert f"sudo loginctl enable-linger {system.user}" in said
        assert not machine.server
    said = machine.fails("status")
    assert "box: not running" in said
    assert f"logind there ends what {system.user} leaves running at logout" in said
    # The fix, as typed by an administrator.
    assert system.run("loginctl", "enable-linger", system.user) == ""
    machine.ok("setup")
    assert logs_in(machine.port, machine.folder, PASSWORD)
    assert "nothing changed" in machine.ok("setup")
    assert "logind" not in machine.ok("status")


def test_a_user_who_may_linger_does_and_is_told(lodging: Lodging) -> None:
    machine, system = lodging("KillUserProcesses=yes", True)
    said = machine.ok("setup")
    assert f"lingering was turned on for {system.user}" in said
    assert f"loginctl disable-linger {system.user}" in said
    assert logs_in(machine.port, machine.folder, PASSWORD)
    assert "No sessions." in system.run("loginctl", "list-sessions")
    machine.ok("stop")
    said = machine.ok("setup")
    assert "lingering" not in said
    machine.ok("stop")


def lingers(system: Systemd) -> bool:
    """Whether the user does."""
    return "Linger=yes" in system.run("loginctl", "show-user", "--property=Linger", system.user)


def test_lingering_that_nbfab_turned_on_is_turned_off_if_that_is_asked_for(lodging: Lodging) -> None:
    machine, system = lodging("KillUserProcesses=yes", True)
    before = snapshot(system.home)
    machine.ok("setup")
    machine.ok("certificate", "--profile", "other")
    said = machine.ok("remove", "--yes", "--linger-off")
    assert f"lingering, which nbfab turned on for {system.user}, stays on: the other profiles' servers need it" in said
    assert lingers(system)
    said = machine.ok("remove", "--yes", "--profile", "other")
    assert "stays on; --linger-off turns it off, too, or later\n" in said
    assert f"on box: loginctl disable-linger {system.user}\n" in said
    assert lingers(system)
    assert snapshot(system.home) == before
    # Now it was on before, so it is not nbfab's to turn off.
    machine.ok("setup")
    assert "nbfab has not turned it on here" in machine.ok("remove", "--yes", "--linger-off")
    assert lingers(system)
    assert snapshot(system.home) == before


def test_on_a_terminal_lingering_is_a_question_of_its_own(lodging: Lodging) -> None:
    machine, system = lodging("KillUserProcesses=yes", True)
    machine.program = f"{BIN}/nbfab"
    before = snapshot(system.home)
    machine.ok("setup")
    with Terminal(machine) as terminal:
        terminal.task("remove")
        terminal.shows("remove all of this? [y/N]")
        terminal.type("y")
        terminal.shows(f"nbfab turned lingering on for {system.user}; turn it off, too? [y/N]")
        terminal.type("y")
        assert f"turn lingering off for {system.user}" in terminal.shows("status=0")
    assert not lingers(system)
    assert snapshot(system.home) == before


@pytest.mark.parametrize("logind", ["KillUserProcesses=yes\nKillExcludeUsers=lodger", ""], ids=["spared", "by default"])
def test_a_user_who_is_spared_needs_nothing(lodging: Lodging, logind: str) -> None:
    machine, system = lodging(logind, False)
    assert "logind" not in machine.ok("plan")
    assert "linger" not in machine.ok("setup")
    assert machine.sshd
    assert machine.sshd.connections == 2
    assert "Linger=yes" not in system.run("loginctl", "show-user", "--property=Linger", system.user)
    assert logs_in(machine.port, machine.folder, PASSWORD)
