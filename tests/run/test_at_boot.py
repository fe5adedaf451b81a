"""Hosts that are killed and booted again, with a real systemd as process 1, and a real cron."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from home import snapshot
from machine import PASSWORD, Machine
from notebook_client import logs_in
from sshd import Sshd, free_port, wait_until
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


OWN = '# mine\nMAILTO=""\n*/5 * * * * true \\% # 100%\n@reboot true # nbfab nbserver2\n'


@pytest.mark.parametrize("own", ["", OWN], ids=["none", "own"])
def test_where_no_user_unit_starts_at_boot_cron_starts_it(booted: Booted, own: str) -> None:
    host = booted(polkit=False, cron=True)
    machine, system = host.machine, host.system
    before = snapshot(system.home)
    if own:
        (system.folder / "own").write_text(own)
        system.run("crontab", "-u", system.user, str(system.folder / "own"))
    done = machine.ok("setup", "--at-boot")
    assert "have it start when the host boots by a line in the user's crontab" in done
    line = f"@reboot exec /bin/sh {machine.folder}/at_boot.sh # nbfab nbserver\n"
    assert host.crontab == own + line
    assert "nothing changed" in machine.ok("setup")
    host.reboots()
    wait_until(host.answers, "the server to come back")
    assert "the last by the host's boot at 20" in machine.ok("status")
    machine.ok("setup", "--no-at-boot")
    assert host.crontab == (own or f"no crontab for {system.user}\n")
    assert host.answers()
    machine.ok("setup", "--at-boot")
    assert host.crontab == own + line
    machine.ok("setup", "--at-boot", "--profile", "other", "--port", str(free_port()))
    machine.ok("remove", "--yes")
    assert host.crontab == own + line.replace("nbserver", "other")
    machine.ok("remove", "--yes", "--profile", "other")
    assert host.crontab == (own or f"no crontab for {system.user}\n")
    assert snapshot(system.home) == before


def test_where_nothing_starts_it_the_report_says_so_and_an_administrator_can_help(booted: Booted) -> None:
    host = booted("KillUserProcesses=no", polkit=False)
    machine, system = host.machine, host.system
    said = machine.ok("setup", "--at-boot")
    why = f"{system.user} may not linger, so no user unit starts at boot, and no cron daemon runs"
    assert f"nothing there starts the server when the host boots: {why}" in said
    assert f"sudo loginctl enable-linger {system.user}" in said
    assert f"nothing there starts the server when the host boots: {why}" in machine.ok("status")
    assert "nothing changed" in machine.ok("setup")
    assert not (machine.folder / "at_boot.sh").exists()
    # The fix, as typed by an administrator.
    assert system.run("loginctl", "enable-linger", system.user) == ""
    assert "by the unit nbfab-nbserver.service" in machine.ok("setup")
    host.reboots()
    wait_until(host.answers, "the server to come back")
