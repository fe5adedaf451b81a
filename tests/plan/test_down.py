"""Why there is no server, in words that `status` and `doctor` share."""

from typing import Any

import pytest
from plan_cases import NOW, seen
from recorded_faults import DEAD, END, HEALTHY, STOPPED

from nbfab.look.ended import Ended
from nbfab.look.server import Answer
from nbfab.plan import down
from nbfab.units import stamp

SILENT = seen(HEALTHY, server={"answer": Answer(False, "no")})
AGAIN = Ended(1, int(NOW), "signal", 11, "again")


@pytest.mark.parametrize(
    ("server", "words"),
    [
        ({"boots": True, "booted": END}, f"the host was restarted at {stamp(END)}, while it ran"),
        ({}, "it has ended"),
        ({"ended": Ended(0, END, "exit", 7, "down")}, f"it has ended (exit status 7, at {stamp(END)})"),
        (
            {"ended": Ended(0, END, "exit", 7, "down"), "boots": True, "booted": END},
            f"it has ended (exit status 7, at {stamp(END)}), before the host was restarted at {stamp(END)}",
        ),
    ],
)
def test_what_ended_it(server: dict[str, Any], words: str) -> None:
    assert down.what_ended(seen(DEAD, server=server)) == words


def test_one_that_was_stopped_or_never_started() -> None:
    assert down.why(STOPPED) == "it does not run: it has not been started"
    assert down.why(seen(STOPPED, server={"log": "bye\n"})) == "it does not run: it was stopped"


def test_one_that_was_idle_says_so_alone() -> None:
    idle = seen(DEAD, server={"ended": Ended(0, END, "idle", 0, "down")})
    assert down.was_idle(idle)
    assert down.why(idle) == f"it does not run: it was idle, so it ended at {stamp(END)}"
    assert not down.was_idle(DEAD)


@pytest.mark.parametrize(
    ("server", "seconds", "starts", "comes_back"),
    [({}, 1, True, False), ({"ended": AGAIN}, 1, True, True), ({"ended": AGAIN}, 30, False, False)],
)
def test_one_that_has_just_been_started_need_not_answer(
    server: dict[str, Any], seconds: int, starts: bool, comes_back: bool
) -> None:
    facts = seen(SILENT, server=server, host={"clock": int(NOW) + seconds})
    assert (down.starts(facts), down.comes_back(facts)) == (starts, comes_back)
