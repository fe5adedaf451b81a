"""Fixes: a command stands apart from words, and says where to type it."""

import ast
import json
import re
import subprocess
from collections.abc import Iterator

import pytest
from documents import check_document
from fixes import COMMAND, check
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import ValidationError
from machine import ROOT

from nbfab import errors
from nbfab.display.document import document
from nbfab.display.fleet import plans, table
from nbfab.display.host import refusal, report
from nbfab.errors import HostError, UsageError
from nbfab.fix import Command, Note, again, task, there
from nbfab.outcome import Outcome, failure

ERRORS = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.NbfabError)}
TMUX = there("sudo apt-get install tmux")


def words() -> Iterator[tuple[str, str]]:
    """Each text in the source that is the fix of an error or a note, or a part of one, and its place."""
    for file in sorted((ROOT / "nbfab").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in ERRORS | {"error", "shown", "_at", "Note", "Declined"}:
                for part in node.args[1:]:
                    if isinstance(part, ast.Constant | ast.JoinedStr):
                        yield f"{file.name}:{part.lineno}", ast.unparse(part).lstrip("f").strip("'\"")


def test_no_words_in_the_source_are_a_command() -> None:
    every = list(words())
    assert len(every) > 40
    assert not [(place, text) for place, text in every if COMMAND.search(text)]


@pytest.mark.parametrize(
    "text", ["ssh -v gpu1 true", "end that: sudo apt-get install x", "or nbfab setup --yes", "ls -ld x"]
)
def test_the_rule_knows_a_command(text: str) -> None:
    assert COMMAND.search(text)


def test_the_host_to_type_it_on_is_named_in_every_report() -> None:
    error = HostError("there is no tmux", "as an administrator", TMUX, task("setup", "--yes"))
    outcome = failure("setup", "gpu1", error).settled(lambda part: f"inv -H gpu1 {part.name} {' '.join(part.options)}")
    lines = [
        "  reason       there is no tmux",
        "  fix          as an administrator",
        "               on gpu1: sudo apt-get install tmux",
        "               inv -H gpu1 setup --yes",
    ]
    assert "\n".join(lines) in report(outcome)
    *_, row, head, words, there, here, _, _ = table([outcome]).splitlines()
    assert row.endswith("failed   there is no tmux")
    assert (head, words) == ("fix for gpu1:", "      as an administrator")
    assert (there, here) == ("      on gpu1: sudo apt-get install tmux", "      inv -H gpu1 setup --yes")
    whole = json.loads(document("setup", [outcome], 1))
    check_document(whole)
    (told,) = whole["hosts"]
    assert told["fix"] == [
        {"words": "as an administrator"},
        {"command": "sudo apt-get install tmux", "on": "gpu1"},
        {"command": "inv -H gpu1 setup --yes", "on": ""},
    ]
    assert told["hint"] == "as an administrator\non gpu1: sudo apt-get install tmux\ninv -H gpu1 setup --yes"
    check(told["fix"])
    own = failure("setup", "this machine", error).settled(str, local=True)
    assert "  fix          as an administrator\n               sudo apt-get install tmux\n" in report(own)


def test_it_is_the_jump_host_if_that_has_failed() -> None:
    error = errors.ConnectError("no key", there("sudo ssh-keygen -A"), jump="gate")
    assert "on gate: sudo ssh-keygen -A" in report(failure("setup", "gpu1", error))


def test_hosts_with_the_same_trouble_share_a_line() -> None:
    note = Note("no matplotlib", there("sudo apt-get install python3-matplotlib"))
    outcomes = [Outcome(name, "plan", "failed", error="no tmux", fix=(TMUX,), notes=(note,)) for name in ("a", "b")]
    fix = "fix for 2 hosts (a, b):\n      on each of them: sudo apt-get install tmux"
    assert f"2 hosts (a, b): failed: no tmux\n{fix}" in plans(outcomes)
    notes = "note: 2 hosts (a, b): no matplotlib\n      on each of them: sudo apt-get install python3-matplotlib"
    assert notes in table(outcomes)
    assert "note: a: no matplotlib\n      on a: sudo apt-get" in table(outcomes[:1])


def test_a_note_has_its_commands_below_it() -> None:
    note = Note("none here", TMUX, again())
    text = "  note         none here\n               on gpu1: sudo apt-get install tmux\n               nbfab plan"
    for outcome in (
        Outcome("gpu1", "plan", "unchanged", notes=(note,)),
        Outcome("gpu1", "plan", "unchanged", standing=(note,)),
    ):
        typed = outcome.settled(lambda part: "nbfab plan")
        assert text in report(typed)
        told = json.loads(document("plan", [typed], 0))["hosts"][0]
        assert told["notes"] == ["none here\non gpu1: sudo apt-get install tmux\nnbfab plan"]


def test_an_error_before_any_host_has_lines_of_its_own() -> None:
    error = UsageError("there is no hosts.yaml", "write one", Command("nbfab init"))
    text = refusal(error)
    assert text == "nbfab: there is no hosts.yaml\n  fix          write one\n               nbfab init"
    told = json.loads(document("plan", [], 2, error=error))
    check_document(told)
    assert told["fix"] == [{"words": "write one"}, {"command": "nbfab init", "on": ""}]
    for part in ({"command": "nbfab init"}, {"words": ""}, {"words": "x", "on": "gpu1"}):
        with pytest.raises(ValidationError):
            check_document(told | {"fix": [part]})


@given(st.text(), st.text())
def test_a_fix_cannot_pass_for_another_line(line: str, label: str) -> None:
    outcome = Outcome(label, "plan", "failed", error="x", fix=(there(line), line), notes=(Note(line, there(line)),))
    assert len(report(outcome).split("\n")) == 6
    assert not re.search("[\x00-\x09\x0b-\x1f]", report(outcome) + table([outcome]))


def test_every_command_of_a_task_can_be_read_by_a_shell() -> None:
    line = str(task("setup", "--python=/my env/bin", "--with=pandas>=2"))
    done = subprocess.run(
        ["sh", "-c", f"set -- {line}; printf '%s\\n' \"$@\""], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["nbfab", "setup", "--python=/my env/bin", "--with=pandas>=2"]
