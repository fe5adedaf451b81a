"""The layer `tmux`: whether it is there, and holds nothing that blocks a start."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from nbfab.doctor.layer import Case, Layer, failed
from nbfab.fix import there
from nbfab.plan.install import how_to_install
from nbfab.plan.server import attach

if TYPE_CHECKING:
    from nbfab.finding import Finding


def _check(case: Case) -> Iterator[Finding]:
    facts = case.facts
    if not facts.host.tmux:
        yield failed("there is no tmux, in which the server runs", *how_to_install(facts, "tmux"))
    elif facts.stale.tmux and not facts.stale.tmux.startswith("tmux "):
        yield failed(f"tmux does not run: {facts.stale.tmux}", *how_to_install(facts, "tmux"))
    if facts.server.session_pids and not (facts.server.alive or facts.server.between):
        yield failed(
            f"its session {case.wanted.settings.profile} is there without the server, and blocks the next one",
            "see what runs in it, and close it",
            there(attach(case.wanted, facts)),
        )


LAYER = Layer("tmux", _check, lambda case: case.facts.stale.tmux or "it is there")
