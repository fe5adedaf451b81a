"""The steps of the how-to, in order, and what has to change for all of them.

Tasks are made of the steps, so even `--list` imports them: what only a plan needs is imported by the functions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from nbfab.plan import certificate, config, install, password, profile, server
from nbfab.plan.files import Managed, check
from nbfab.plan.step import Step

if TYPE_CHECKING:
    from nbfab.look.facts import Facts
    from nbfab.look.request import Request
    from nbfab.plan.change import Change
    from nbfab.settings import Settings
    from nbfab.wanted import Wanted

STEPS: tuple[Step, ...] = (
    install.STEP,
    password.STEP,
    certificate.STEP,
    profile.STEP,
    config.STEP,
    server.STEP,
)


def plan(wanted: Wanted, facts: Facts, steps: Iterable[Step]) -> list[Change]:
    """What has to change on a host. Pure; raises HostError if it cannot become what is wanted."""
    check(managed(wanted.settings), facts)
    return [change for step in steps for change in step.plan(wanted, facts)]


def with_restart(steps: Sequence[Step], facts: Facts) -> tuple[Step, ...]:
    """Those steps, and the server's if a running server has to pick up their changes."""
    more = facts.server.alive and server.STEP not in steps and any(step.restarts for step in steps)
    return (*steps, server.STEP) if more else tuple(steps)


def notes(wanted: Wanted, facts: Facts) -> tuple[str, ...]:
    """What users should know about a host, from all steps."""
    return tuple(note for step in STEPS for note in step.notes(wanted, facts))


def managed(settings: Settings) -> tuple[Managed, ...]:
    """All files that the steps manage, and the folders that they are in, each once."""
    declared = [of for step in STEPS for of in step.files(settings)]
    return tuple(dict.fromkeys(chain.from_iterable((*of.folders, of) for of in declared)))


def request(settings: Settings) -> Request:
    """What to look at, for a plan with those settings."""
    from nbfab.look.request import Request

    files = managed(settings)
    return Request(
        settings,
        paths=tuple(of.path for of in files),
        texts=tuple(of.path for of in files if of.kind == "text"),
        certificate=next(of.path for of in files if of.kind == "certificate"),
    )
