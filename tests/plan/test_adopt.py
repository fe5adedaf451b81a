"""Profiles of releases that kept no choices."""

from dataclasses import replace
from typing import Any

import pytest
from plan_cases import KEEP, NEW, WANTED, after, certified, file, holding, running, seen, wanting

from nbfab.look.choices import Choice, Choices
from nbfab.look.facts import Facts
from nbfab.plan import choices
from nbfab.plan.adopt import adopt
from nbfab.plan.settle import settle
from nbfab.plan.steps import STEPS, owned, plan


def earlier(**settings: Any) -> Facts:
    """A host where a release that kept no choices has set up a server as wanted."""
    wanted = wanting(**settings)
    facts = seen(NEW, files={"directory": settings.get("directory", "/home/ann")})
    facts = running(wanted, facts)
    kept = [entry for entry in facts.files.entries if entry.path != choices.FILE]
    question = f"{wanted.settings.app} {wanted.settings.python}"
    asked = {"made": Choices(), "environment": question, "directory": settings.get("directory", "")}
    return seen(facts, files={"entries": kept}, choices=asked)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"port": 8765},
        {"ip": "::1"},
        {"directory": "/srv/it's data"},
        {"python": "/env", "days": 90},
        {"port": 8765, "ip": "192.0.2.7", "directory": "/data", "python": "/my env", "days": 7},
    ],
)
def test_what_was_chosen_stays_and_is_recorded(settings: dict[str, Any]) -> None:
    facts = adopt(earlier(**settings))
    made = facts.choices.made
    assert made.version == "0.1.0"
    assert {key: choice.value for key, choice in made.options.items() if choice.source == "earlier"} == settings
    wanted = settle(KEEP, facts, owned(STEPS))
    changes = plan(wanted, facts, STEPS)
    assert [(change.what, change.needs_restart) for change in changes] == [("record what was chosen", False)]
    then = after(facts, changes)
    assert adopt(then) == then
    assert plan(settle(KEEP, then, owned(STEPS)), then, STEPS) == []


def test_a_choice_of_this_run_counts_more() -> None:
    facts = adopt(earlier(port=8765))
    wanted = settle(replace(WANTED, settings=wanting(port=7000).settings), facts, owned(STEPS))
    assert "port 8765 -> 7000, from --port" in [change.what for change in plan(wanted, facts, STEPS)]


def test_the_names_that_the_host_does_not_have_were_asked_for() -> None:
    facts = certified(earlier(), names=("gpu1", "box", "192.0.2.7", "localhost", "172.17.0.1", "8.8.8.8"))
    assert adopt(facts).choices.made.names == dict.fromkeys(("gpu1", "172.17.0.1", "8.8.8.8"), "earlier")


def test_files_with_which_no_server_has_started_are_not_adopted() -> None:
    facts = holding(earlier(ip="192.0.2.7"), file("generation", "1800000000.7.done\n"))
    assert adopt(facts).choices.made.options["ip"] == Choice("192.0.2.7", "earlier")  # someone has removed the record
    down = seen(facts, server={"alive": False, "answer": None})
    assert adopt(down) == down


def test_a_new_host_has_nothing_to_adopt() -> None:
    assert adopt(NEW) == NEW


def test_a_line_that_is_gone_from_the_record_is_read_from_the_settings() -> None:
    """Or a choice that protects the server could vanish without a word."""
    facts = running(wanting(ip="localhost", port=8765))
    left = {key: choice for key, choice in facts.choices.made.options.items() if key != "ip"}
    facts = seen(facts, choices={"made": Choices("0.2.0", left)})
    assert adopt(facts).choices.made.options == {**left, "ip": Choice("localhost", "earlier")}


def test_a_record_that_cannot_be_read_is_still_an_error_but_moves_nothing() -> None:
    made = adopt(seen(earlier(port=8765), choices={"made": Choices("0.2.0", broken="it is too long")})).choices.made
    assert made.broken == "it is too long"
    assert made.options["port"] == Choice(8765, "earlier")
