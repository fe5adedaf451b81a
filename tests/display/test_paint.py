"""Colour: only where a terminal can show it, and never by what a host says."""

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbfab.changed import Changed
from nbfab.display.host import report
from nbfab.display.output import show
from nbfab.display.paint import STYLES, Painted, Piece, has_colours
from nbfab.outcome import Outcome

SGR = re.compile(r"\x1b\[[0-9;]+m")
CHANGE = Changed("server", "start server", "start the server in tmux", "on port 1")


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environment", "coloured"),
    [
        (Tty(), {}, True),
        (Tty(), {"TERM": "xterm"}, True),
        (Tty(), {"TERM": "dumb"}, False),
        (Tty(), {"NO_COLOR": "1"}, False),
        (Tty(), {"NO_COLOR": "0"}, False),
        (Tty(), {"NO_COLOR": ""}, True),
        (io.StringIO(), {}, False),
        (io.StringIO(), {"FORCE_COLOR": "1"}, True),
        (io.StringIO(), {"FORCE_COLOR": ""}, False),
        (io.StringIO(), {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (io.StringIO(), {"FORCE_COLOR": "1", "TERM": "dumb"}, False),
    ],
)
def test_colour_is_for_a_terminal_that_has_it(
    stream: io.StringIO, environment: dict[str, str], coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert has_colours(stream) == coloured
    monkeypatch.setattr("sys.stdout", stream)
    show(report(Outcome("box", "setup", "changed", changes=(CHANGE,))))
    shown = stream.getvalue()
    assert ("\x1b[1mstart the server in tmux on port 1\x1b[0m" in shown) == coloured
    assert SGR.sub("", shown) == "box: changed\n  server       start the server in tmux on port 1\n"


@given(st.lists(st.lists(st.tuples(st.text(), st.sampled_from(["", *STYLES, "bold bad"])))))
def test_no_text_has_a_colour_of_its_own(lines: list[list[tuple[str, str]]]) -> None:
    painted = Painted([[Piece(*piece) for piece in line] for line in lines])
    assert SGR.sub("", painted.coloured) == painted
    assert "\x1b" not in painted
    assert painted.count("\n") == max(len(lines) - 1, 0)


def test_what_it_takes_to_log_in_comes_last() -> None:
    outcome = Outcome(
        "box",
        "setup",
        "changed",
        changes=(CHANGE,),
        notes=("a note",),
        url="https://box:1/",
        state={"running": True, "elsewhere": ["https://b:1/"], "since": "now"},
        password="canary horse",
    )
    assert report(outcome).splitlines()[-2:] == ["  open         https://box:1/", "  Password: canary horse"]


@pytest.mark.parametrize(
    ("task", "changes", "told"),
    [("setup", (CHANGE,), True), ("setup", (), False), ("status", (), False), ("plan", (), True)],
)
def test_a_note_that_stands_is_told_with_a_change_and_by_plan(
    task: str, changes: tuple[Changed, ...], told: bool
) -> None:
    outcome = Outcome("box", task, "unchanged", changes=changes, notes=("odd",), standing=("as root",))
    assert "note         odd" in report(outcome)
    assert ("note         as root" in report(outcome)) == told
    assert list(outcome.document()["notes"]) == ["odd", "as root"]
    assert "standing" not in outcome.document()
