"""Hosts that are killed and booted again, with a real systemd as process 1: what starts the server, and what is said."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from home import snapshot
from machine import PASSWORD, Machine
from notebook_client import logs_in
from sshd import Sshd, wait_until
from systemd import Systemd


class Host:
    """A host that boots, and a user who may linger or not; with `cron` or without."""

    def __init__(self, stack: ExitStack, folder: Path, logind: str, *, polkit: bool, cron: bool) -> None:
        self.system = stack.enter_context(Systemd(logind, polkit=polkit, cron=cron))
        # Not in the test's folder, which other users may not enter.
        place, system = self.system.folder / "host", self.system
        self.sshd = Sshd(place, lines="UsePAM yes", within=system.within, home=system.home, user=system.user)
        stack.enter_context(self.sshd)
        self.machine = Machine(folder, self.sshd, "fab")
        self.machine.env["NBFAB_PYTHON"] = "/usr/bin/python3"  # Debian's; that of these tests is in root's home folder

    def reboots(self) -> None:
        """Kills it as a power failure would, and boots it again."""
        self.system.kill()
        self.system.boot()
        self.sshd.start_again(self.system.within)

    def answers(self) -> bool:
        """Whether a browser gets in."""
        try:
            return logs_in(self.machine.port, self.machine.folder, PASSWORD)
        except OSError:
            return False

    @property
    def crontab(self) -> str:
        """That of the user, as crontab prints it."""
        return self.system.run("crontab", "-l", "-u", self.system.user)


Booted = Callable[..., Host]


@pytest.fixture
def booted(tmp_path: Path) -> Iterator[Booted]:
    """Makes a host."""
    with ExitStack() as stack:
        yield lambda logind="", polkit=True, cron=False: Host(stack, tmp_path, logind, polkit=polkit, cron=cron)


UNIT = ".config/systemd/user/nbfab-nbserver.service"


@pytest.mark.parametrize("logind", ["", "KillUserProcesses=yes"])
def test_a_server_comes_back_with_its_host_and_status_says_why_it_was_away(booted: Booted, logind: str) -> None:
    host = booted(logind)
    machine, home = host.machine, host.system.home
    before = snapshot(home)
    machine.ok("setup")
    assert not (home / ".config").exists()
    host.reboots()
    said = machine.fails("status")
    assert "it does not run: the host was restarted at 20" in said
    assert "fab -S" in said
    assert "start\n" in said
    assert "setup --at-boot\n" in said
    # The fix, as typed.
    done = machine.ok("setup", "--at-boot")
    assert "have it start when the host boots by the unit nbfab-nbserver.service of the user's own systemd" in done
    assert "starts by the unit nbfab-nbserver.service" in done
    assert "nothing changed" in machine.ok("setup")
    assert host.answers()
    host.reboots()
    wait_until(host.answers, "the server to come back")
    said = machine.ok("status")
    assert "restarts     1, the last by the host's boot at 20" in said
    assert machine.json("status")["state"]["last_end"]["kind"] == "host"
    assert "nothing changed" in machine.ok("setup")
    # What was stopped comes back as well, as an enabled service of systemd does.
    assert "it starts again when the host boots" in machine.ok("stop")
    host.reboots()
    wait_until(host.answers, "the server to come back")
    assert "restarts" not in machine.ok("status")
    machine.ok("setup", "--no-at-boot")
    assert not (home / UNIT).exists()
    assert not (home / ".config").exists()
    assert host.answers(), "what the unit has started runs on"
    assert "nothing changed" in machine.ok("setup")
    machine.ok("setup", "--at-boot")
    machine.ok("remove", "--yes", "--linger-off")
    assert snapshot(home) == before
