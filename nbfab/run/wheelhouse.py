"""A wheelhouse: what a host cannot fetch by itself is gathered here, sent to it, and installed from there."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from nbfab.apply.apply import INSTALLS, Declined
from nbfab.errors import HostError, UsageError
from nbfab.look.facts import Facts
from nbfab.plan import install
from nbfab.plan.change import Change
from nbfab.run.job import Job
from nbfab.wanted import Wanted

if TYPE_CHECKING:
    from nbfab.wheels.ask import Ask
    from nbfab.wheels.lock import Lock
    from nbfab.wheels.parcel import Parcel
    from nbfab.wheels.target import Target
# What only a run that sends something needs, is imported where it is used.


def with_wheelhouse(job: Job, wanted: Wanted, seen: Facts, changes: Sequence[Change]) -> list[Change]:
    """The changes, of which those that install do so from what has been sent to the host. Raises NbfabError."""
    if not any(change.kind in INSTALLS for change in changes):
        return list(changes)
    return [
        _equipped(job, _target(job, wanted, seen, change, changes), change) if change.kind in INSTALLS else change
        for change in changes
    ]


def with_uv(job: Job, wanted: Wanted, seen: Facts, changes: Sequence[Change]) -> list[Change]:
    """The changes, of which those that install have a uv that has been sent, on a host that could not without it.

    Raises NbfabError.
    """
    needing = [change for change in changes if change.kind in INSTALLS and not change.args.get("sent_uv")]
    if not needing or not install.takes_uv(seen):
        return list(changes)
    try:
        target = _target(job, wanted, seen, needing[0], changes)
        name = _uv(job, target) if target.takes_uv else ""
    except (HostError, UsageError) as error:
        own = install.no_tool(wanted, seen)
        if own is None:
            raise
        raise HostError(f"{own}; and uv cannot be sent from here: {error}", *own.fix, *error.fix) from None
    return [_with(change, sent_uv=name) if change in needing else change for change in changes]


def explained(declined: Declined, error: HostError | UsageError) -> Declined:
    """The error of an installation that has found no index, and could not be made from here either."""
    more = f"; and what it needs cannot be sent from here: {error}"
    return Declined(f"{declined}{more}", *declined.fix, *error.fix, words=f"{declined.words}{more}", tool=declined.tool)


def locked(job: Job, wanted: Wanted, seen: Facts, change: Change) -> "Lock":
    """What a change would install from a wheelhouse. Raises NbfabError."""
    from nbfab.wheels.stock import STOCK

    return STOCK.resolved(_ask(change), _target(job, wanted, seen, change, [change]), job.user.sees)


def _target(job: Job, wanted: Wanted, seen: Facts, change: Change, changes: Sequence[Change]) -> "Target":
    """What wheels have to fit for a change. An interpreter that another change makes is the system's until then."""
    from nbfab.look.target import look_target

    makes = any(of.kind == "make environment" for of in changes)
    target = look_target(job.host, "" if makes else change.args.get("base_python", ""))
    if target is None:
        why = "there is no Python on it, and none is fetched without an index"
        error = None if seen.environments.uv else install.no_tool(wanted, seen)
        raise error or HostError(why, *install.how_to_install(seen, "python3"))
    return target if change.kind == "make environment" else replace(target, installed=())


def _equipped(job: Job, target: "Target", change: Change) -> Change:
    from nbfab.wheels.stock import STOCK

    with ExitStack() as stack:
        wheels = stack.enter_context(STOCK.wheelhouse(_ask(change), target, job.user.sees, job.user.hears))
        parcels = [wheels]
        if target.takes_uv and not change.args.get("sent_uv", ""):
            parcels.append(stack.enter_context(STOCK.uv(target, job.user.sees, job.user.hears)))
        _send(job, target, parcels)
        sent_uv = parcels[1].name if parcels[1:] else change.args.get("sent_uv", "")
        return _with(change, wheels=wheels.name, sent_uv=sent_uv)


def _ask(change: Change) -> "Ask":
    from nbfab.wheels.ask import Ask

    args = change.args
    if change.kind == "make environment":
        return Ask((*args["requirements"].split(), *args["packages"].split()))
    lines = tuple(line for line in args["lines"].splitlines() if line != "--require-hashes")
    more = (*args["carried"].split(), *args["needs"].split())
    return Ask((*lines, *more), tuple(args["constraints"].splitlines()), pre=bool(args["pre"]))


def _uv(job: Job, target: "Target") -> str:
    from nbfab.wheels.stock import STOCK

    with STOCK.uv(target, job.user.sees, job.user.hears) as parcel:
        _send(job, target, [parcel])
        return parcel.name


def _send(job: Job, target: "Target", parcels: Sequence["Parcel"]) -> None:
    """Sends what is not there yet."""
    from nbfab.apply.wheels import check_room, send

    check_room(target, *parcels)
    for parcel in parcels:
        if parcel.name not in target.kept:
            job.user.sees(f"sending {parcel.size / 1e6:.0f} MB of packages")
            send(job.host, parcel, job.user.hears)


def _with(change: Change, **args: str) -> Change:
    return replace(change, args={**change.args, **args})
