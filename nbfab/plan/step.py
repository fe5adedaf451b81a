"""Step: one step of the how-to, with everything that the rest of nbfab needs to know about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from nbfab.plan.files import Managed
from nbfab.records import dataclass

if TYPE_CHECKING:
    from nbfab.look.facts import Facts
    from nbfab.plan.change import Change
    from nbfab.settings import Settings
    from nbfab.wanted import Wanted


def _no_files(settings: Settings) -> tuple[Managed, ...]:
    return ()


def _no_notes(wanted: Wanted, facts: Facts) -> Iterable[str]:
    return ()


@dataclass(frozen=True, eq=False)
class Step:
    """A step of the how-to.

    `name` is also the name of its task, and `help` that task's one line. `plan` yields what has to change, and raises
    HostError if the host cannot become what is wanted. `files` are those that it manages, `notes` what users should
    know about the host each time, and `standing` what stays as it is, so that it is shown once. `options` are the
    settings that it puts into effect, and `flags` the task's own. `restarts` marks a step whose changes a running
    server picks up only after a restart; `renews` one that, run by name, asks for something new to replace what is
    there; `alone` one that makes sense without the others, and so has a task.
    """

    name: str
    help: str
    plan: Callable[[Wanted, Facts], Iterable[Change]]
    files: Callable[[Settings], tuple[Managed, ...]] = _no_files
    notes: Callable[[Wanted, Facts], Iterable[str]] = _no_notes
    standing: Callable[[Wanted, Facts], Iterable[str]] = _no_notes
    options: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    restarts: bool = False
    renews: bool = False
    alone: bool = True
