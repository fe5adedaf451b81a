"""Layer: one of those that `doctor` checks, and what its check goes by."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from nbfab.finding import Finding
from nbfab.fix import Command, Task
from nbfab.records import dataclass

if TYPE_CHECKING:
    from nbfab.doctor.near import Near
    from nbfab.look.facts import Facts
    from nbfab.wanted import Wanted


@dataclass(frozen=True)
class Case:
    """A host to check: what is wanted there, what was seen from here, and what the host reports."""

    wanted: Wanted
    near: Near
    facts: Facts

    @property
    def has_profile(self) -> bool:
        """Whether the profile was set up there."""
        return self.facts.files.state == "folder" and bool(self.facts.choices.made.version)


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer: its name, a check that yields what is wrong, and what there is to say if that is nothing."""

    name: str
    check: Callable[[Case], Iterator[Finding]]
    passes: Callable[[Case], str]


@dataclass(frozen=True, eq=False)
class NearLayer:
    """A layer of the connection to the host, which is known even if that fails and there are no facts."""

    name: str
    check: Callable[[Near], Iterator[Finding]]
    passes: Callable[[Near], str]


def failed(words: str, *fix: str | Command | Task) -> Finding:
    """A finding of the layer whose check yields it."""
    return Finding("", "failed", words, fix)


def unknown(words: str) -> Finding:
    """What the layer whose check yields it could not look at."""
    return Finding("", "unknown", words)
