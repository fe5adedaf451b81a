"""The layer `versions`: whether this nbfab takes care of the profile, and the server has all of it taken up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from nbfab import __version__
from nbfab.doctor.layer import Case, Layer, failed
from nbfab.fix import task
from nbfab.plan import choices, takes

if TYPE_CHECKING:
    from nbfab.finding import Finding


def _check(case: Case) -> Iterator[Finding]:
    choices.check(case.facts)
    if waiting := takes.waiting(case.wanted, case.facts):
        words = f"the running server has not taken up what was set since: {', '.join(waiting)}"
        yield failed(words, "once what runs in it may end", task("restart"))


def _passes(case: Case) -> str:
    made = case.facts.choices.made.version
    return f"nbfab {__version__} here" + (f", {made} has set up the profile" if made and made != __version__ else "")


LAYER = Layer("versions", _check, _passes)
