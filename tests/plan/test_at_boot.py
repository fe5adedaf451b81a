"""The step `at_boot`."""

from typing import Any

import pytest
from plan_cases import NEW, WANTED, file, holding, seen, wanting

from nbfab.look.facts import Facts
from nbfab.plan import at_boot
from nbfab.plan.change import Change

BOOTS = wanting(at_boot=True)
UNIT = at_boot.unit(BOOTS, NEW).rstrip("\n")
LINE = "@reboot exec /bin/sh /home/ann/.local/share/nbfab/nbserver/at_boot.sh # nbfab nbserver"
SYSTEMD = "by the unit nbfab-nbserver.service of the user's own systemd"
CRON = "by a line in the user's crontab"
ON = "have it start when the host boots"
OFF = "no longer start it when the host boots"


def host(**facts: Any) -> Facts:
    """A host with those facts of the group, and the program in place."""
    program = file(at_boot.FILE, at_boot.script(BOOTS, NEW))
    return seen(holding(NEW, program), at_boot={"user": "ann", **facts})


def summaries(changes: list[Change]) -> list[str]:
    """What people see of them."""
    return [change.summary for change in changes]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"lingers": "yes"}, [f"{ON} {SYSTEMD}"]),
        ({"lingers": "may", "cron": "runs"}, [f"{ON} {SYSTEMD}, with lingering turned on for ann"]),
        ({"lingers": "yes", "unit": UNIT, "enabled": True}, []),
        ({"lingers": "yes", "unit": UNIT}, [f"{ON} {SYSTEMD}"]),
        ({"lingers": "yes", "unit": f"{UNIT}\n# x", "enabled": True}, [f"{ON} {SYSTEMD}"]),
        ({"lingers": "yes", "unit": UNIT, "enabled": True, "line": LINE}, [f"{ON} {SYSTEMD}"]),
        ({"lingers": "may", "unit": UNIT, "enabled": True}, [f"{ON} {SYSTEMD}, with lingering turned on for ann"]),
        ({"lingers": "no", "cron": "runs"}, [f"{ON} {CRON}"]),
        ({"cron": "runs"}, [f"{ON} {CRON}"]),
        ({"cron": "runs", "line": LINE}, []),
        ({"cron": "runs", "line": f"{LINE}\n{LINE}"}, [f"{ON} {CRON}"]),
        ({"cron": "runs", "line": LINE, "unit": UNIT, "enabled": True}, [f"{ON} {CRON}"]),
    ],
)
def test_it_is_arranged_by_the_best_means(facts: dict[str, Any], expected: list[str]) -> None:
    assert summaries(list(at_boot.plan(BOOTS, host(**facts)))) == expected


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({}, "it has no systemd, and it has no crontab"),
        ({"cron": "idle"}, "it has no systemd, and no cron daemon runs"),
        ({"lingers": "no"}, "ann may not linger, so no user unit starts at boot, and it has no crontab"),
        (
            {"lingers": "no", "cron": "runs", "killed": True},
            "ann may not linger, so no user unit starts at boot, and logind ends what cron leaves running "
            "(KillUserProcesses)",
        ),
        (
            {"cron": "refused", "refusal": "You (ann) are not allowed\nto use this program"},
            "it has no systemd, and the crontab cannot be used (You (ann) are not allowed to use this program)",
        ),
    ],
)
def test_where_nothing_can_start_it_that_is_said_and_nothing_is_done(facts: dict[str, Any], why: str) -> None:
    assert list(at_boot.plan(BOOTS, seen(NEW, at_boot={"user": "ann", **facts}))) == []
    (note,) = at_boot.notes(BOOTS, host(**facts))
    assert note.splitlines()[0] == f"nothing there starts the server when the host boots: {why}"
    assert summaries(list(at_boot.plan(BOOTS, host(**facts)))) == [f"{OFF}: it cannot: {why}"]


@pytest.mark.parametrize(
    ("facts", "shown"),
    [
        ({"lingers": "yes", "unit": UNIT, "enabled": True}, ("systemd", SYSTEMD[3:])),
        ({"lingers": "may", "unit": UNIT, "enabled": True}, (None, "that is not set up")),
        ({"cron": "runs", "line": LINE}, ("cron", CRON[3:])),
        ({"cron": "runs"}, (None, "that is not set up")),
        ({"cron": "idle", "line": LINE}, (None, "it has no systemd, and no cron daemon runs")),
    ],
)
def test_what_is_shown_is_what_is_set_up(facts: dict[str, Any], shown: tuple[str | None, str]) -> None:
    assert tuple(at_boot.shown(BOOTS, host(**facts)).values()) == shown


def test_a_path_that_no_unit_and_no_crontab_takes() -> None:
    facts = seen(host(lingers="yes", cron="runs"), files={"folder": "/home/a\nb/.local/share/nbfab/nbserver"})
    assert at_boot.means(BOOTS, facts).name == ""


@pytest.mark.parametrize("facts", [{"unit": UNIT}, {"enabled": True}, {"line": LINE}, {}])
def test_it_is_taken_away_where_it_is_not_wanted(facts: dict[str, Any]) -> None:
    assert summaries(list(at_boot.plan(WANTED, host(**facts)))) == [OFF]
    assert list(at_boot.notes(WANTED, host(**facts))) == []
    assert list(at_boot.plan(WANTED, NEW)) == []


def test_special_characters_are_quoted() -> None:
    facts = seen(NEW, files={"folder": "/home/a b%c$d\"e\\f'/nbserver"})
    assert 'ExecStart=/bin/sh "/home/a b%%c$$d\\"e\\\\f\'/nbserver/at_boot.sh"\n' in at_boot.unit(BOOTS, facts)
    quoted = "'/home/a b\\%c$d\"e\\f'\"'\"'/nbserver/at_boot.sh'"
    assert at_boot.line(BOOTS, facts) == f"@reboot exec /bin/sh {quoted} # nbfab nbserver"
