"""The step `at_boot`: the server starts when the host boots, by the best that the host has for that."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from nbfab.fix import Fix, Note, there
from nbfab.plan.change import Change
from nbfab.plan.files import Managed, in_file
from nbfab.plan.install import choose, how_to_install
from nbfab.plan.server import enable_linger
from nbfab.plan.step import Step

if TYPE_CHECKING:
    from nbfab.look.facts import Facts
    from nbfab.wanted import Wanted

FILE = "at_boot.sh"
_FILES = ("look/json", "look/process", "look/look", "look/tmux", "look/cluster", "apply/session", "plan/at_boot")


class Means(NamedTuple):
    """By which means a host starts the server: `systemd`, `cron`, or none, and then why, and what to do about that."""

    name: str
    words: str
    fix: Fix = ()


def means(wanted: Wanted, facts: Facts) -> Means:
    """The best means that the host has: the user's own manager, if it starts at boot, or else the user's crontab."""
    at_boot, unit = facts.at_boot, f"nbfab-{wanted.settings.profile}.service"
    if not facts.host.tmux:
        return Means("", "there is no tmux", how_to_install(facts, "tmux"))
    if not facts.files.folder.isprintable():
        return Means("", "neither a unit nor a crontab takes the path of the profile's folder")
    if at_boot.lingers in ("yes", "may"):
        return Means("systemd", f"the unit {unit} of the user's own systemd")
    if at_boot.cron == "runs" and not at_boot.killed:
        return Means("cron", "a line in the user's crontab")
    linger: Fix = ()
    if at_boot.lingers:
        linger = "as an administrator", there(enable_linger(at_boot.user, facts))
        why = f"{at_boot.user} may not linger, so no user unit starts at boot"
    else:
        why = "it has no systemd"
    return Means("", f"{why}, and {_why_no_cron(facts)}", linger)


def _why_no_cron(facts: Facts) -> str:
    cron = facts.at_boot.cron
    if cron == "refused":
        return f"the crontab cannot be used ({' '.join(facts.at_boot.refusal.split())})"
    if cron == "idle":
        return "no cron daemon runs"
    return "logind ends what cron leaves running (KillUserProcesses)" if cron else "it has no crontab"


def script(wanted: Wanted, facts: Facts) -> str:
    """The program that the host runs when it boots."""
    from nbfab.program import call, functions, source

    return (
        functions(*_FILES)
        + call(
            "start_after_boot",
            folder=facts.files.folder,
            profile=wanted.settings.profile,
            python=choose(wanted, facts).python,
            login_probe=source("apply/login_probe.py"),
        )
        + call("start_members_after_boot")
    )


def unit(wanted: Wanted, facts: Facts) -> str:
    """The unit, as systemd.service(5) has it; its values are quoted as systemd.unit(5) and systemd.syntax(7) want."""
    path = f"{facts.files.folder}/{FILE}"
    for special, quoted in (("\\", "\\\\"), ('"', '\\"'), ("%", "%%"), ("$", "$$")):
        path = path.replace(special, quoted)
    profile = wanted.settings.profile
    return f"""\
# Written by nbfab, and replaced by it: starts the server of the profile {profile} when the host boots.
[Unit]
Description=Jupyter server of the nbfab profile {profile}

[Service]
Type=forking
ExecStart=/bin/sh "{path}"
TimeoutStartSec=120
TimeoutStopSec=30

[Install]
WantedBy=default.target
"""


def line(wanted: Wanted, facts: Facts) -> str:
    """The line of the crontab, as crontab(5) has it: a percent sign would end the command."""
    path = shlex.quote(f"{facts.files.folder}/{FILE}").replace("%", "\\%")
    return f"@reboot exec /bin/sh {path} # nbfab {wanted.settings.profile}"


def plan(wanted: Wanted, facts: Facts) -> Iterator[Change]:
    """What has the host start the server, or no longer; nothing where it cannot, of which `notes` tells."""
    by = means(wanted, facts) if wanted.settings.at_boot else Means("", "")
    if not by.name:
        if facts.files.entry(FILE) or is_on(facts):
            why = f"it cannot: {by.words}" if by.words else ""
            yield off(wanted.settings.profile, why)
        return
    yield from in_file("at_boot", "the program that starts it at boot", FILE, script(wanted, facts), facts)
    if is_set_up(by, wanted, facts):
        return
    wants_unit = unit(wanted, facts) if by.name == "systemd" else ""
    wants_line = line(wanted, facts) if by.name == "cron" else ""
    lingers = by.name == "systemd" and facts.at_boot.lingers != "yes"
    yield Change(
        step="at_boot",
        kind="turn at-boot on",
        what="have it start when the host boots",
        detail=f"by {by.words}{f', with lingering turned on for {facts.at_boot.user}' if lingers else ''}",
        args={"profile": wanted.settings.profile, "unit": wants_unit, "line": wants_line},
    )


def is_set_up(by: Means, wanted: Wanted, facts: Facts) -> bool:
    """Whether the host starts it by those means, and by no other."""
    at_boot = facts.at_boot
    wants_unit = unit(wanted, facts).rstrip("\n") if by.name == "systemd" else ""
    wants_line = line(wanted, facts) if by.name == "cron" else ""
    has = (at_boot.unit, at_boot.enabled, at_boot.line) == (wants_unit, bool(wants_unit), wants_line)
    return has and (by.name != "systemd" or at_boot.lingers == "yes")


def shown(wanted: Wanted, facts: Facts) -> dict[str, str | None]:
    """What starts it at boot, for reports: the means that it is set up `by`, and `words` on that, or on why nothing."""
    by = means(wanted, facts)
    if by.name and not is_set_up(by, wanted, facts):
        return {"by": None, "words": "that is not set up"}
    return {"by": by.name or None, "words": by.words}


def is_on(facts: Facts) -> bool:
    """Whether there is anything that starts it at boot."""
    return bool(facts.at_boot.unit or facts.at_boot.enabled or facts.at_boot.line)


def off(profile: str, reason: str = "") -> Change:
    """The change by which the host no longer starts it."""
    what = "no longer start it when the host boots"
    return Change(step="at_boot", kind="turn at-boot off", what=what, reason=reason, args={"profile": profile})


def notes(wanted: Wanted, facts: Facts) -> Iterator[str]:
    """Why the host cannot do that, if it is wanted."""
    if wanted.settings.at_boot and not (by := means(wanted, facts)).name:
        why = f"nothing there starts the server when the host boots: {by.words}"
        yield Note(why, *by.fix) if by.fix else why


STEP = Step(
    "at_boot",
    "Have the host start the server when it boots.",
    plan,
    files=lambda settings: (Managed(FILE),),
    notes=notes,
    alone=False,
)
