"""The steps of the how-to, in order, and what has to change for all of them.

Tasks are made of the steps, so even `--list` imports them: what only a plan needs is imported by the functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from nbfab.errors import NbfabError
from nbfab.fix import Note, called
from nbfab.plan import (
    at_boot,
    certificate,
    choices,
    clients,
    cluster,
    config,
    environment,
    install,
    left,
    module,
    password,
    profile,
    relay,
    server,
    settle,
    takes,
)
from nbfab.plan.files import Managed, check
from nbfab.plan.kernel import kernel_file
from nbfab.plan.step import Step
from nbfab.settings import BY_KEY

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
    module.STEP,
    clients.STEP,
    profile.STEP,
    config.STEP,
    server.STEP,
    at_boot.STEP,
)


def plan(wanted: Wanted, facts: Facts, steps: Sequence[Step]) -> list[Change]:
    """What has to change on a host, for those steps. Pure.

    If a running server has to be restarted for them, it takes up its settings anew as well. Raises HostError if the
    host cannot become what is wanted, and Refused if a newer nbfab takes care of it.
    """
    choices.check(facts)
    check(managed(wanted.settings), facts)
    if install.STEP in steps:
        wanted = replace(wanted, renewed=environment.renewed(wanted, facts))
    with_more = with_restart(steps, facts, renewed=bool(wanted.renewed))
    changes = [change for step in with_more for change in step.plan(wanted, facts)]
    if not any(change.kind == "start server" for change in changes):
        changes = [change for change in changes if change.step in [step.name for step in _with_module(steps)]]
    if install.STEP in steps and profile.STEP not in steps and facts.files.entry(kernel_file(wanted.settings.profile)):
        changes += profile.kernel(wanted, facts)  # another environment is another kernel
    whole = len(steps) > 1
    step = config.STEP.name if whole else steps[0].name
    # Last: a choice with which the server does not start is not one to stay with.
    changes += list(choices.plan(wanted, facts, owned(steps), changes, step, whole=whole))
    if any(change.kind == "start server" for change in changes) and install.STEP not in steps:
        install.check(wanted, facts)
    have = takes.running(facts)
    if have and have.get(module.TAKES):  # it takes up a password as it runs
        changes = [
            replace(change, needs_restart=change.needs_restart and change.step != "password") for change in changes
        ]
    waits = not any(step.restarts for step in steps) or (have is not None and not takes.chosen(have, wanted, facts))
    if waits and not wanted.renewed:
        # Of what only nbfab brings, or a step that restarts nothing, the files are written now.
        changes = [
            replace(change, needs_restart=change.needs_restart and change.kind not in ("write", "write module"))
            for change in changes
        ]
    return [*takes.note(facts, changes), *changes]


def owned(steps: Iterable[Step]) -> dict[str, str]:
    """The options that a run of those steps may change, each with its step."""
    return {option: step.name for step in steps for option in step.options}


def with_restart(steps: Sequence[Step], facts: Facts, *, renewed: bool = False) -> tuple[Step, ...]:
    """Those steps, and those that a running server needs to pick up their changes; so it does if it is `renewed`."""
    more = facts.server.alive and (renewed or any(step.restarts for step in steps))
    return _with_module((*steps, *(step for step in (config.STEP, server.STEP) if more and step not in steps)))


def _with_module(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Those steps, after the module if one of them writes what refers to it."""
    config_too = config.STEP in steps
    more = [module.STEP] if profile.STEP in steps or config_too else []
    more += [clients.STEP] if config_too else []
    return (*(step for step in more if step not in steps), *steps)


def notes(wanted: Wanted, facts: Facts) -> tuple[str, ...]:
    """What users should know about a host each time, from all steps. Raises nothing."""
    return (*choices.notes(wanted, facts), *(note for step in STEPS for note in _safely(step.notes, wanted, facts)))


def standing(wanted: Wanted, facts: Facts) -> tuple[str, ...]:
    """What users should know about a host once, from all steps: it stays as it is. Raises nothing."""
    return tuple(note for step in STEPS for note in _safely(step.standing, wanted, facts))


def _safely(notes: Callable[[Wanted, Facts], Iterable[str]], wanted: Wanted, facts: Facts) -> Iterator[str]:
    """The notes; what keeps a plan from its end is one of them, since a host is also described that cannot be set up.

    A fix that calls the task again is for the one that plans.
    """
    try:
        yield from notes(wanted, facts)
    except NbfabError as error:
        yield Note(str(error), *called(error.fix, "setup"))


def managed(settings: Settings) -> tuple[Managed, ...]:
    """All files that the steps manage, and the folders that they are in, each once."""
    declared = [choices.MANAGED, *(of for step in (*STEPS, cluster.STEP) for of in step.files(settings))]
    return tuple(dict.fromkeys(chain.from_iterable((*of.folders, of) for of in declared)))


def request(wanted: Wanted, steps: Iterable[Step] = ()) -> Request:
    """What to look at, for a plan of those steps; once it is settled which settings count, for exactly these."""
    from nbfab.look.request import Left, Request

    files, options = managed(wanted.settings), owned(steps)
    return Request(
        wanted.settings,
        firm=frozenset(BY_KEY) if wanted.given else settle.firm(wanted, options),
        forgotten=() if wanted.given else settle.forgotten(wanted, options),
        adds=frozenset() if wanted.given else settle.adds(wanted, options),
        paths=tuple(of.path for of in files),
        texts=tuple(of.path for of in files if of.kind == "text"),
        certificate=certificate.FILE,
        clients=tuple(of.path for of in files if of.kind == "certificate" and of.path != certificate.FILE),
        modules=(module.NAME, *([relay.NAME] if wanted.relay else [])),
        relay=relay.RUNS if wanted.relay or wanted.removing else "",
        members=wanted.members or wanted.removing,
        kernel=kernel_file(wanted.settings.profile) if wanted.members else "",
        server=not wanted.brief,
        left=Left(left.places(of.path for of in files), left.TREES, tuple(left.SOCKETS), left.TRACES)
        if wanted.removing
        else None,
        doctor=wanted.doctor,
        around=wanted.around,
        others=wanted.others or wanted.doctor,
        at=wanted.at,
        kernels=wanted.kernels,
        environments=wanted.environments,
        releases=bool(wanted.requirements and wanted.requirements.python),
    )
