"""The step `relay`: what keeps a page whole while its link is cut (`nbfab/relay/`). Only `open` has it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from nbfab.plan import module
from nbfab.plan.change import Change
from nbfab.plan.files import PRIVATE, Managed, write
from nbfab.plan.install import choose
from nbfab.plan.step import Step
from nbfab.relay import VERSION

if TYPE_CHECKING:
    from nbfab.look.facts import Facts
    from nbfab.wanted import Wanted

NAME = "nbfab_relay"
RUNS = f"relay-{VERSION}"  # of its socket there, and of its files
SCRIPT = "relay.sh"


def plan(wanted: Wanted, facts: Facts) -> Iterator[Change]:
    """It is started if it does not run; one that runs is left alone, since streams depend on it."""
    from nbfab.program import call, functions

    if not wanted.relay or facts.relay.socket:
        return
    if other := module.different(module.package("relay", NAME), facts):
        yield module.write("relay", "write the relay for open", other)
    python = choose(wanted, facts).python
    script = functions("look/process", "plan/relay") + call("run_relay", relay=RUNS, python=python)
    if facts.files.text(SCRIPT) != script or facts.files.mode(SCRIPT) != PRIVATE:
        yield write("relay", "write the program that tmux runs for it", SCRIPT, script)
    yield Change(step="relay", kind="start relay", what="start the relay", args={"relay": RUNS})


def end_relays() -> Change:
    """The change that ends the relays of all versions, and with them the pages that are open."""
    return Change(step="relay", kind="end relay", what="end the relay of open", args={})


STEP = Step(
    "relay",
    "Start what keeps a page whole while its link is cut.",
    plan,
    files=lambda settings: (Managed(SCRIPT), Managed(NAME, "folder")),
    alone=False,
)
