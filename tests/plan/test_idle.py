"""When an idle server ends: what becomes of the options in its settings, and of a server that runs."""

import pytest
from plan_cases import CLASSIC, MODERN, NEW, after, running, seen, wanting

from nbfab.look.environments import Environment
from nbfab.plan import config, takes
from nbfab.plan.steps import STEPS, plan


@pytest.mark.parametrize("environment", [MODERN, CLASSIC], ids=["jupyter_server 2", "notebook 6"])
def test_the_limits_are_in_the_settings_in_seconds(environment: Environment) -> None:
    facts = seen(NEW, environments={"found": (environment,)})
    found = takes.traits(config.text(wanting(idle="8h", idle_kernels="30m"), facts))
    assert (found["Nbfab.idle"], found["Nbfab.idle_kernels"]) == ("28800", "1800")
    assert not [trait for trait in takes.traits(config.text(wanting(), facts)) if "idle" in trait]


@pytest.mark.parametrize(
    ("before", "now", "why"),
    [
        ({}, {"idle": "8h"}, "idle off -> 8h"),
        ({"idle": "8h"}, {"idle": "90m", "idle_kernels": "2d"}, "idle 8h -> 90m, idle_kernels off -> 2d"),
        ({"idle": "8h"}, {"idle": "off"}, "idle 8h -> off"),
    ],
)
def test_a_running_server_takes_another_limit_up_by_a_restart(
    before: dict[str, str], now: dict[str, str], why: str
) -> None:
    facts = running(wanting(**before))
    changes = plan(wanting(**now), facts, STEPS)
    assert f"stop the server: {why}" in [change.summary for change in changes]
    assert all(change.needs_restart for change in changes if change.step in ("config", "server"))
    assert plan(wanting(**before), facts, STEPS) == []
    assert plan(wanting(**now), running(wanting(**now), after(NEW, changes)), STEPS) == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, []),
        (
            {"idle": "8h"},
            ["the server ends when nothing has run for 8h; kernels, also idle ones, and terminals keep it"],
        ),
        (
            {"idle": "1d", "idle_kernels": "2h"},
            [
                "kernels that have been idle for 2h end, and what is in their memory is gone",
                "the server ends when nothing has run for 1d; terminals keep it",
            ],
        ),
    ],
)
def test_a_plan_says_what_will_end_by_itself(settings: dict[str, str], words: list[str]) -> None:
    assert list(config.standing(wanting(**settings), NEW)) == words
