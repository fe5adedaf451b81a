"""Outcomes: how a task ended on a host, for reports and as JSON."""

import json

import pytest

from nbfab.display.document import document
from nbfab.display.fleet import table
from nbfab.display.host import report
from nbfab.errors import (
    ConnectError,
    Dropped,
    HostError,
    HostKeyError,
    HostStringError,
    Interrupted,
    NbfabError,
    Refused,
    UsageError,
)
from nbfab.outcome import DUE, STATE, Changed, Outcome, failure, verdict

RUNNING = {"running": True}
CHANGE = Changed("certificate", "write", "renew the certificate", "for box, localhost", "it has expired")


@pytest.mark.parametrize(
    ("error", "word", "status"),
    [
        (Refused("kernels are live"), "refused", 1),
        (Interrupted("stopped"), "interrupted", 130),
        (ConnectError("no route"), "not reached", 1),
        (Dropped("hung up"), "not reached", 1),
        (HostKeyError("changed"), "not reached", 1),
        (HostError("no space"), "failed", 1),
        (UsageError("no such option"), "failed", 2),
        (HostStringError("no host"), "failed", 2),
    ],
)
def test_the_verdict_follows_from_the_kind_of_error(error: NbfabError, word: str, status: int) -> None:
    outcome = failure("setup", "box", error)
    assert verdict(error) == outcome.verdict == word
    assert (outcome.host, outcome.task, outcome.error, outcome.status) == ("box", "setup", str(error), status)


def test_a_failure_keeps_the_fix_and_the_jump_host() -> None:
    outcome = failure("setup", "box", ConnectError("no route", "ssh gate", jump="gate"))
    assert (outcome.hint, outcome.jump) == ("ssh gate", "gate")


def test_control_c_is_an_outcome() -> None:
    outcome = failure("setup", "box", KeyboardInterrupt())
    assert (outcome.verdict, outcome.status) == ("interrupted", 130)
    assert "what was done stays" in outcome.error


def test_what_waits_for_a_restart_is_said_once_as_text_and_as_json() -> None:
    waits = ("ServerApp.allow_password_change", "launcher")
    outcomes = [Outcome(host, "setup", "unchanged", pending=waits) for host in ("a", "b")]
    words = "takes effect at the next restart: ServerApp.allow_password_change, launcher"
    assert report(outcomes[0]).count(words) == 1
    assert f"note: 2 hosts (a, b): {words}" in table(outcomes)
    assert json.loads(document("setup", outcomes, 0))["hosts"][0]["pending"] == list(waits)


def test_status_shows_what_was_chosen_and_where_but_no_defaults() -> None:
    settings = {"port": {"value": 8765, "source": "flag"}, "app": {"value": "notebook", "source": "default"}}
    outcome = Outcome("box", "status", "unchanged", state={"settings": settings})
    assert "port         8765 (from --port)" in report(outcome)
    assert "notebook" not in report(outcome)


def test_a_bug_is_reported_as_one_with_its_place() -> None:
    with pytest.raises(KeyError) as error:
        vars(test_a_change_in_a_line)["missing"]
    outcome = failure("setup", "box", error.value)
    assert outcome.verdict == "failed"
    assert outcome.error.startswith("a fault in nbfab: KeyError('missing') at test_outcome.py:")
    assert "Traceback" not in outcome.error


def test_a_change_in_a_line() -> None:
    assert CHANGE.summary == "renew the certificate for box, localhost: it has expired"
    assert Changed("config", "write", "write it").summary == "write it"
    assert Changed("config", "write", "write it", reason="it is gone").summary == "write it: it is gone"


def test_a_change_as_json() -> None:
    assert CHANGE.document() == {
        "step": "certificate",
        "kind": "write",
        "summary": "renew the certificate for box, localhost: it has expired",
        "reason": "it has expired",
        "diff": None,
    }


def test_an_outcome_as_json_has_every_key_also_of_what_is_empty() -> None:
    document = Outcome("box", "plan", "unchanged").document()
    assert document == {
        **dict.fromkeys(("error", "hint", "jump", "url", "password")),
        **dict.fromkeys(("withheld", "pending", "notes"), ()),
        "findings": [],
        "host": "box",
        "task": "plan",
        "verdict": "unchanged",
        "changes": [],
        "fix": [],
        "status": 0,
        "state": dict.fromkeys(STATE),
    }
    whole = Outcome(
        "box", "setup", "changed", changes=(CHANGE,), notes=("slow",), url="https://box:9999/", status=1, state=RUNNING
    )
    assert whole.document().keys() == document.keys()
    document = json.loads(json.dumps(whole.document()))
    assert document["state"] == dict.fromkeys(STATE) | RUNNING
    assert document["changes"] == [CHANGE.document()]
    assert document["notes"] == ["slow"]
    assert document["status"] == 1
    assert document["url"] == "https://box:9999/"


@pytest.mark.parametrize(
    ("outcome", "failed", "news"),
    [
        (Outcome("box", "setup", "unchanged", notes=("slow",), pending=("launcher",)), False, False),
        (Outcome("box", "setup", "changed"), False, True),
        (Outcome("box", "setup", "refused", status=1), True, True),
        (Outcome("box", "setup", "interrupted", status=130), True, True),
        (Outcome("box", "plan", "unchanged"), False, False),
        (Outcome("box", "plan", "would change"), False, True),
        (Outcome("box", "plan", "would change", status=DUE), False, True),
        (Outcome("box", "status", "running"), False, False),
        (Outcome("box", "status", "running", status=DUE), False, True),
        (Outcome("box", "status", "not running", status=1), True, True),
    ],
)
def test_what_failed_and_what_is_news(outcome: Outcome, failed: bool, news: bool) -> None:
    assert (outcome.failed, outcome.is_news) == (failed, news)


def test_a_generated_password_is_not_in_the_repr() -> None:
    assert "canary" not in repr(Outcome("box", "setup", "changed", password="canary horse"))
