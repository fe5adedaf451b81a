"""What is overwritten on a terminal: who is at work, and how far a run is."""

import io
import time
from typing import Any

import pytest
from rich.console import Console

from nbfab.display.doing import Doing
from nbfab.display.live import WIDTH, Bar, picture, rows
from nbfab.fleet.run import Run
from nbfab.outcome import Outcome

CONSOLES = [
    {"no_color": True, "force_terminal": True},
    {"color_system": None},
    {"color_system": "standard", "force_terminal": True},
]


def rendered(what: Any, width: int = 100, **console: Any) -> str:
    """What a console shows of it, without colours."""
    shown = Console(file=io.StringIO(), width=width, **console)
    return "".join(segment.text for segment in shown.render(what))


@pytest.mark.parametrize("console", CONSOLES)
@pytest.mark.parametrize(("done", "full"), [(0, 0), (1, 15), (2, 30)])
def test_the_bar_is_as_full_as_the_run_whatever_the_colours(done: int, full: int, console: dict[str, Any]) -> None:
    assert rendered(Bar(done, 2), **console) == f"[{'━' * full}{' ' * (WIDTH - full)}]"


def test_the_bar_of_a_terminal_that_has_ascii_only() -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    console = Console(file=out, width=100)
    assert "".join(segment.text for segment in console.render(Bar(1, 2))) == f"[{'#' * 15}{' ' * 15}]"


def test_a_run_that_has_just_begun_and_one_that_has_ended() -> None:
    run = Run(["a", "b"], "setup")
    assert f"[{' ' * WIDTH}]  0 of 2, 0 s" in rendered(picture(run, time.monotonic()))
    run.outcomes = {"a": Outcome("a", "setup", "changed"), "b": Outcome("b", "setup", "failed", status=1)}
    assert f"[{'━' * WIDTH}]  2 of 2, 1 failed, 0 s" in rendered(picture(run, time.monotonic()))


def test_one_host_has_a_second_row_and_many_have_one_each() -> None:
    doing = Doing("box", "step 1 of 9, install: make an environment", 0, 0, "Downloading numpy (17 MiB)")
    other = Doing("gate", "looking", 5, 5)
    alone = [line.split() for line in rendered(rows([doing], 42.0)).splitlines()]
    assert alone[0] == [*["box", "step", "1", "of", "9,", "install:", "make", "an", "environment", "42", "s"]]
    assert alone[1] == ["Downloading", "numpy", "(17", "MiB)"]
    first, second = (" ".join(line.split()) for line in rendered(rows([doing, other], 42.0)).splitlines())
    assert first == "box step 1 of 9, install: Downloading numpy (17 MiB) 42 s"
    assert second == "gate looking 37 s"


def test_the_seconds_stay_on_a_narrow_terminal() -> None:
    doing = Doing("box", "step 1 of 9, install: make an environment with notebook and matplotlib", 0, 0)
    assert rendered(rows([doing], 42.0), width=40).rstrip().endswith("…  42 s")
