"""The step `clients`, and what else follows from --client-certificates."""

from dataclasses import replace
from typing import Any

import pytest
from plan_cases import CLASSIC, DAY, NEW, NOW, WANTED, after, entry, file, holding, running, seen

from nbfab.keys import Key
from nbfab.look.choices import Choice
from nbfab.look.facts import Facts
from nbfab.plan import bundle, clients, config, server
from nbfab.plan.steps import STEPS, plan
from nbfab.settings import Settings
from nbfab.wanted import Wanted

OWN = entry("ann@laptop", "operator", "")


def asking(source: str = "flag", *, on: bool = True) -> Wanted:
    """What is wanted where clients have to present a certificate."""
    return replace(WANTED, settings=Settings.parse({"client_certificates": on}, source), client=OWN)


ON = asking()
PROBE = bundle.make("nbfab on the host", "probe", "", 3650, NOW, Key.new())
FULL = holding(
    NEW, file(clients.PROBE, bundle.shown(PROBE)), file(clients.FILE, bundle.shown(PROBE) + OWN + entry("bob"))
)


def names(facts: Facts) -> list[str]:
    return [client.name for client in clients.there(facts)]


def test_nothing_is_done_where_no_certificate_is_asked_for() -> None:
    assert not list(clients.plan(WANTED, NEW))
    assert not list(clients.notes(WANTED, FULL))
    assert "client_ca" not in config.text(WANTED, NEW) + " ".join(config.guards(WANTED, NEW))
    assert clients.FILE not in server.launcher(WANTED, NEW)[0]


@pytest.mark.parametrize(("environment", "app"), [(None, "ServerApp"), (CLASSIC, "NotebookApp")])
def test_the_server_is_told_by_its_settings_and_by_an_argument(environment: Any, app: str) -> None:
    facts = seen(NEW, environments={"found": (environment,)}) if environment else NEW
    place = "/home/ann/.local/share/nbfab/nbserver/clients.pem"
    assert f"c.{app}.client_ca = '{place}'\n" in config.text(ON, facts)
    assert f"--{app}.client_ca={place}" in config.guards(ON, facts)
    assert clients.FILE in server.launcher(ON, facts)[0]


def test_nbfab_itself_is_admitted_there_and_here() -> None:
    made = list(clients.plan(ON, NEW))
    assert [change.summary for change in made] == [
        "make the certificate with which nbfab there asks the server",
        "admit nbfab itself",
    ]
    facts = after(NEW, made)
    assert names(facts) == ["nbfab on the host", "ann@laptop"]
    assert not list(clients.plan(ON, facts))
    assert [str(note) for note in clients.notes(ON, facts)] == [
        "no browser is admitted yet; to make the certificate that one needs\nnbfab client.add ann"
    ]


def test_a_host_where_all_is_right_stays_as_it_is() -> None:
    assert not list(clients.plan(ON, FULL))
    assert not list(clients.notes(ON, FULL))
    assert clients.is_admitted(ON, FULL)


@pytest.mark.parametrize(
    ("facts", "summaries"),
    [
        (holding(FULL, file(clients.FILE, OWN + entry("bob"))), ["admit nbfab itself"]),
        (holding(FULL, file(clients.FILE, bundle.shown(PROBE) + entry("bob"))), ["admit nbfab itself"]),
        (holding(FULL, file(clients.FILE, "")), ["admit nbfab itself"]),
        (holding(FULL, file(clients.FILE, FULL.files.text(clients.FILE), "-rw-r--r--")), ["admit nbfab itself"]),
        (
            holding(FULL, file(clients.PROBE, "")),
            ["renew the certificate with which nbfab there asks the server", "admit nbfab itself"],
        ),
        (
            holding(FULL, file(clients.PROBE, bundle.shown(PROBE), "-rw-r--r--")),
            ["renew the certificate with which nbfab there asks the server", "admit nbfab itself"],
        ),
    ],
)
def test_what_is_missing_or_exposed_is_made_good(facts: Facts, summaries: list[str]) -> None:
    made = list(clients.plan(ON, facts))
    assert [change.summary for change in made] == summaries
    assert not list(clients.plan(ON, after(facts, made)))


def test_a_renewal_leaves_no_old_one_behind() -> None:
    late = replace(ON, now=NOW + 3640 * DAY)
    facts = after(FULL, clients.plan(late, FULL))
    assert names(facts).count("nbfab on the host") == 1
    assert clients.there(facts)[-1].days_left(late.now) > 3000


def test_one_that_ends_soon_is_told() -> None:
    facts = holding(FULL, file(clients.FILE, bundle.shown(PROBE) + OWN + entry("bob", days=12)))
    assert [str(note) for note in clients.notes(ON, facts)] == [
        "the client certificate of bob has 12 days left\nnbfab client.add bob --replace"
    ]
    (gone,) = clients.notes(replace(ON, now=NOW + 13 * DAY), facts)
    assert gone.startswith("the client certificate of bob has expired")


def test_another_operator_is_added_and_the_first_one_stays() -> None:
    other = replace(ON, client=entry("eve@desk", "operator", ""))
    assert not clients.is_admitted(other, FULL)
    facts = after(FULL, clients.plan(other, FULL))
    assert names(facts) == ["nbfab on the host", "ann@laptop", "bob", "eve@desk"]
    assert not list(clients.plan(ON, facts))


@pytest.mark.parametrize("on", [True, False])
def test_turning_it_on_or_off_restarts_a_server(on: bool) -> None:
    before, now = asking(on=not on), asking(on=on)
    changes = plan(now, running(before), STEPS)
    start = next(change for change in changes if change.kind == "stop server")
    words = "off -> on" if on else "on -> off"
    assert start.reason == f"client_certificates {words}"
    flag = "--client-certificates" if on else "--no-client-certificates"
    assert any(change.summary == f"client_certificates {words}, from {flag}" for change in changes)
    assert {change.needs_restart for change in changes if change.step == "clients"} <= {False}


def test_who_is_admitted_is_no_reason_for_a_restart() -> None:
    facts = running(ON)
    text = facts.files.text(clients.FILE) + entry("bob")
    assert not plan(ON, holding(facts, file(clients.FILE, text)), STEPS)


def test_a_choice_that_vanishes_is_called_a_downgrade() -> None:
    facts = running(asking("inventory"))
    made = replace(
        facts.choices.made,
        options={**facts.choices.made.options, "client_certificates": Choice(True, "inventory#0123456789ab")},
    )
    facts = seen(facts, choices={"made": made})
    words = [change.summary for change in plan(replace(WANTED, client=OWN), facts, STEPS)]
    assert any(
        line.startswith("client_certificates on -> off") and line.endswith("; a downgrade: a password will be enough")
        for line in words
    )
