"""Cluster: the hosts of an inventory as one Dask cluster. They look side by side, and each learns what others are."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from typing import Any, Protocol

from nbfab.cluster import authority
from nbfab.cluster.decide import Asked, Candidate, Place, Scheduler, places
from nbfab.cluster.member import CHOSEN, CONFIG, ROLES, Chosen, Member, Role, chosen, link
from nbfab.cluster.ports import Ports
from nbfab.errors import HostError, NbfabError, Refused
from nbfab.fix import Note, task
from nbfab.host import run
from nbfab.look import fact
from nbfab.look.facts import Facts
from nbfab.look.look import look, look_cluster
from nbfab.names import in_url
from nbfab.outcome import Outcome, Verdict
from nbfab.plan import asked, cluster, install, packages
from nbfab.plan.adopt import adopt
from nbfab.plan.change import Change
from nbfab.plan.kernel import kernel_file
from nbfab.plan.steps import plan, request
from nbfab.program import Record, call, render, source
from nbfab.records import dataclass
from nbfab.run.converge import Course, foresee, go_on, make, reported
from nbfab.run.describe import page
from nbfab.run.job import Job
from nbfab.run.see import see
from nbfab.units import size, stamp

SOON = 30  # seconds for all workers to answer; as long again, if they have not: on a slow disk, Python takes a while
LATE = 10  # seconds for ports at which nothing listens yet
ASKED = 5  # seconds for a scheduler that runs to say what it has


class Meets(Protocol):
    """As `fleet.meeting.Meeting`."""

    def meet(self, topic: str, name: str, value: Any) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Party:
    """What all hosts of a run share: the `meeting`, what was `asked` for, all `names` of the inventory, and the
    cluster's authority (PEM, with its key). `last` is where its scheduler was, and `remembers` keeps where it is.
    """

    meeting: Meets
    asked: Asked
    names: Sequence[str]
    authority: str = field(repr=False)
    last: Scheduler | None = None
    remembers: Callable[[Scheduler], None] = lambda scheduler: None


@dataclass(frozen=True)
class Seat:
    """A host at work: the job, what was seen, the Python of its notebooks, what has to change, and the places of all
    that were reached.
    """

    job: Job
    seen: Facts
    python: str
    changes: Sequence[Change]
    all: Mapping[str, Place]
    candidates: Mapping[str, Candidate]

    @property
    def member(self) -> Member:
        """What the host is to be."""
        assert self.job.wanted.cluster
        return self.job.wanted.cluster


def up(job: Job, party: Party) -> Outcome:
    """Makes the host a member, and sees that it reaches the others. Raises NbfabError."""
    seat = _seated(job, party)
    job, course = seat.job, Course(job.user, looks=False)
    if seat.changes:
        make(job, job.wanted, seat.changes, seat.seen, course)
    place = seat.all[job.host.label]
    if "scheduler" in place.roles:
        party.remembers(Scheduler(place.chosen.scheduler, place.chosen.at, seat.seen.cluster.seen.versions))
    job.user.sees("waiting for the others")
    done = party.meeting.meet("done", job.host.label, True)
    names = [name for name in seat.all if name in done]
    has = _answered(seat, party, names)
    # Only now, as with the ports: to look takes time of the processors that the members start on.
    job.user.sees("looking again")
    outcome = go_on(*_whole(job), (cluster.STEP,))
    if course.begun:
        verdict: Verdict = "changed" if outcome.verdict == "unchanged" else outcome.verdict
        outcome = replace(
            outcome,
            verdict=verdict,
            changes=(*reported(course.begun), *outcome.changes),
            notes=(*course.words, *outcome.notes),
        )
    return outcome if outcome.failed else _checked(seat, party, outcome, names, has)


def preview(job: Job, party: Party) -> Outcome:
    """What `up` would change on the host; changes nothing."""
    return foresee(*_whole(_seated(job, party).job), (cluster.STEP,))


def _whole(job: Job) -> tuple[Job, Facts]:
    """The job, and all that a report has of the host, with what its server answers."""
    wanted = replace(job.wanted, brief=False)
    return replace(job, wanted=wanted), adopt(look(job.host, request(wanted)))


def _seated(job: Job, party: Party) -> Seat:
    """The host, once all others have looked as well. Raises NbfabError if it cannot be a member."""
    name = job.host.label
    job, seen, python = _look(job, brief=True)
    if not seen.files.entry(kernel_file(job.wanted.settings.profile)):
        raise Refused(f"there is no profile {job.wanted.settings.profile} with a kernel", task("setup"))
    if seen.cluster.fails:
        raise HostError(f"the Python of the notebooks cannot be asked: {seen.cluster.fails}", task("setup"))
    mine = (job, seen, _candidate(job, seen))
    job.user.sees("waiting for the others")
    came = party.meeting.meet("looked", name, mine)
    candidates = {each: came[each][2] for each in party.names if each in came}
    found = places(party.asked, list(candidates.values()), party.names, party.last)
    certificate, key = authority.sign(party.authority, name, job.wanted.now)
    member = Member(
        name,
        found[name].roles,
        found[name].chosen,
        authority.root(party.authority),
        certificate,
        key,
        _dashboard(found[name], came.get(found[name].chosen.scheduler), link(seen.files.text(CONFIG))),
    )
    job = replace(job, wanted=replace(job.wanted, cluster=member))
    return Seat(job, seen, python, _agreed(job, seen, party), found, candidates)


def _agreed(job: Job, seen: Facts, party: Party) -> Sequence[Change]:
    """What has to change. Raises why it cannot, or Refused if that of another host cannot: all are changed, or none."""
    refused: NbfabError | None = None
    changes: Sequence[Change] = ()
    try:
        changes = plan(job.wanted, seen, (cluster.STEP,))
    except NbfabError as error:
        refused = error
    came = party.meeting.meet("planned", job.host.label, refused)
    if refused:
        raise refused
    if others := [name for name in party.names if came.get(name)]:
        names = f"{', '.join(others[:5])}{' and others' if len(others) > 5 else ''}"
        raise Refused(f"nothing was changed, because {names} cannot be changed as well", *came[others[0]].fix)
    return changes


def _look(job: Job, *, brief: bool = False) -> tuple[Job, Facts, str]:
    """The facts, and the Python that runs the members; empty if there is none."""
    job.user.sees("looking")
    job, seen = see(replace(job, wanted=replace(job.wanted, members=True, brief=brief)))
    if not seen.files.entry(kernel_file(job.wanted.settings.profile)):
        return job, seen, ""
    python, server = packages.python(job.wanted, seen), install.choose(job.wanted, seen).python
    if (python, server) != (seen.cluster.python, seen.cluster.server):  # these are to be, but are not yet
        members = look_cluster(job.host, job.wanted.settings.profile, python, server)
        seen = replace(seen, cluster=members)
    return job, seen, python


def _candidate(job: Job, seen: Facts) -> Candidate:
    had = chosen(seen.files.text(CHOSEN))  # it keeps its address, by whichever it is reached this time
    return Candidate(
        job.host.label,
        int(seen.host.uid),
        had.address if had and had.address in seen.host.addresses else seen.cluster.seen.address,
        seen.cluster.seen.versions,
        seen.cluster.seen.taken,
        had,
        bool(seen.cluster.runs),
        seen.server.alive,
        asked.had(seen).asked.source,
    )


def _dashboard(place: Place, scheduler: tuple[Job, Facts, Candidate] | None, had: str) -> str:
    """Where the link to the dashboard leads, through the notebook of the scheduler's host; empty if that shows none.

    There the link is one of the page itself, so that it leads there through `open`, too. If that host was not looked
    at, it stays the one that the host has `had`.
    """
    if scheduler is None:
        return had
    job, seen, _ = scheduler
    if _lacks(seen):
        return ""
    first = int(place.chosen.at.rpartition(":")[2])
    return _path(first) if "scheduler" in place.roles else _url(job, seen, first)


def _path(first: int) -> str:
    return f"/proxy/{Ports(first).dashboard}/status"


def _url(job: Job, seen: Facts, first: int) -> str:
    """The dashboard on the scheduler's host, behind the login of the notebook; empty if that shows none."""
    return "" if _lacks(seen) else page(job, job.wanted, seen).rstrip("/") + _path(first)


def _lacks(seen: Facts) -> list[str]:
    """What the host lacks of what shows the dashboard in the notebook."""
    has = {"bokeh": "bokeh" in seen.cluster.seen.versions, "jupyter-server-proxy": seen.cluster.proxy}
    return [name for name, there in has.items() if not there]


def _answered(seat: Seat, party: Party, names: Sequence[str]) -> "_Told | None":
    """Which workers the scheduler has, once it has those of all; None on all hosts but the one that asks."""
    name, scheduler = seat.job.host.label, seat.member.chosen.scheduler
    seat.job.user.sees("waiting for the workers")
    has = _has(seat, names) if name == (scheduler if scheduler in names else names[0]) else None
    party.meeting.meet("answered", name, True)
    return has


def _checked(seat: Seat, party: Party, outcome: Outcome, names: Sequence[str], has: "_Told | None") -> Outcome:
    """The outcome, once the host reaches the others, and if it asks for them, the scheduler `has` all workers."""
    job, name, member = seat.job, outcome.host, seat.member
    scheduler = member.chosen.scheduler
    job.user.sees("trying the ports of the others")
    targets = [[each, *span] for each in names if each != name for span in _targets(seat, each)]
    if scheduler not in names:
        host, _, port = member.chosen.at.rpartition(":")
        targets.append([scheduler, host.strip("[]"), int(port), int(port)])
    told = _try(job, seat.python, LATE, targets)
    expected = _expected(seat, names) if has else []
    if has:
        has = has if len(has.workers) >= len(expected) else _has(seat, names)
        told = replace(told, workers=has.workers, fails=has.fails)
    url = _url(job, seat.seen, member.chosen.first) if "scheduler" in member.roles else ""
    state = {"cluster": _document(member.chosen, [(role, None) for role in member.roles], told, url)}
    notes = _notes(seat.seen, url) if "scheduler" in member.roles else ()
    outcome = replace(outcome, state={**outcome.state, **state}, notes=(*outcome.notes, *notes))
    if told.closed:
        return _failed(outcome, _words(told.closed), *_opens(seat, told.closed))
    if told.fails:
        return _failed(outcome, f"the scheduler does not answer: {told.fails}", task("cluster.logs"))
    missing = [where for where in expected if where not in {each[0] for each in told.workers}]
    if missing:
        lacking = [each for each in names if set(missing) & {*_workers(seat, each)}]
        words = f"after {2 * SOON} seconds the scheduler lacks workers of {', '.join(lacking)}"
        return _failed(outcome, words, task("cluster.logs"))
    if has:
        count = len(told.workers)
        notes = (f"{_counted(count, 'worker')} answer{'s' if count == 1 else ''}", *_strangers(seat, party, told))
        outcome = replace(outcome, notes=(*outcome.notes, *notes))
    return outcome


def _strangers(seat: Seat, party: Party, told: "_Told") -> Sequence[str]:
    """A note on workers of hosts that are no longer in the inventory, if all that are were reached."""
    known = {where for name in seat.all for where in _workers(seat, name)}
    others = [at for at, *_ in told.workers if at not in known] if len(seat.all) == len(party.names) else []
    return (f"these workers are not of this inventory: {', '.join(others[:5])}",) if others else ()


def _failed(outcome: Outcome, error: str, *fix: Any) -> Outcome:
    return replace(outcome, verdict="failed", error=error, fix=fix, status=1)


def _has(seat: Seat, names: Sequence[str]) -> "_Told":
    """Which workers the scheduler has, once it has those of these hosts, or it takes too long."""
    dashboard = seat.member.ports.dashboard if "scheduler" in seat.member.roles else None
    return _ask(seat.job, seat.python, SOON, _expected(seat, names), dashboard)


def _expected(seat: Seat, names: Sequence[str]) -> list[str]:
    return [where for name in names for where in _workers(seat, name)]


def _workers(seat: Seat, name: str) -> list[str]:
    """Where the workers of a host listen."""
    chosen, address = seat.all[name].chosen, in_url(seat.candidates[name].address)
    first, last = Ports(chosen.first).workers(chosen.size.workers)
    return [f"{address}:{port}" for port in range(first, last + 1)]


def _targets(seat: Seat, name: str) -> list[tuple[str, int, int]]:
    """Where others connect to a host: its address, the first and the last of ports in a row."""
    place, address = seat.all[name], seat.candidates[name].address
    ports, count = Ports(place.chosen.first), place.chosen.size.workers
    spans = [ports.workers(count), ports.nannies(count)]
    spans += [(ports.scheduler, ports.scheduler)] if "scheduler" in place.roles else []
    return [(address, first, last) for first, last in spans]


def _words(closed: Sequence[Sequence[Any]]) -> str:
    words = [f"port {port} of {host} ({why})" for host, _, port, why in closed]
    return f"it does not reach {', '.join(words[:5])}{f' and {len(words) - 5} more' if len(words) > 5 else ''}"


def _opens(seat: Seat, closed: Sequence[Sequence[Any]]) -> tuple[Any, ...]:
    """The fix for closed ports; it names all ports of a host, so that a firewall is opened for all at once."""
    hosts = dict.fromkeys(host for host, *_ in closed if host in seat.all)
    spans = [f"{host}: {'-'.join(map(str, Ports(seat.all[host].chosen.first).open))}" for host in hosts]
    return (f"open these TCP ports to the other hosts, {'; '.join(spans)}",) if spans else (task("cluster.logs"),)


def _notes(seen: Facts, url: str) -> Sequence[str]:
    """Where the dashboard is, on the scheduler's host, or what it takes."""
    if url:
        return (f"its dashboard, behind the login of the notebook: {url}",)
    lacks = _lacks(seen)
    words = f"its dashboard is not shown in the notebook, which lacks {' and '.join(lacks)}"
    return (Note(words, task("setup", *(f"--with={name}" for name in lacks))),)


@dataclass
class _Told:
    """What a host says of the others."""

    closed: list[list[Any]] = field(default_factory=list)
    workers: list[list[Any]] = field(default_factory=list)
    fails: str = ""


def _ask(job: Job, python: str, seconds: int, expected: Sequence[str], dashboard: int | None) -> _Told:
    """Which workers the scheduler has, of which the `dashboard` is on this host. Raises HostError."""
    return _try(job, python, seconds, [], json.dumps(expected), str(dashboard or ""))


def _try(job: Job, python: str, seconds: int, targets: Sequence[Any], *asks: str) -> _Told:
    """What the host finds out: see `look/pairs_probe.py`. Raises HostError."""
    found: list[Record] = []
    words = (str(seconds), json.dumps(targets), *(asks or ("", "")))
    calls = [
        call("find_profile", profile=job.wanted.settings.profile),
        call("try_pairs", *words, cluster_python=python, pairs_probe=source("look/pairs_probe.py")),
    ]
    program = render(("look/json", "look/look", "look/process", "look/tmux", "look/cluster", "look/pairs"), calls)
    run(job.host, program, found.append, seconds + 60, "trying the ports of the cluster")
    try:
        (answer,) = [each for each in found if {"closed", "broke"} & each.keys()]
        if "broke" in answer:
            raise HostError(f"its Python fails: {fact.message(answer['broke'])}", task("setup"))
        return _Told(
            [
                [fact.line(host), fact.word(address), fact.number(port), fact.line(why)]
                for host, address, port, why in fact.items(answer["closed"])
            ],
            [
                [fact.word(at), fact.number(threads), fact.number(memory or 0)]
                for at, threads, memory in fact.items(answer.get("workers", []))
            ],
            fact.message(answer.get("fails", "")),
        )
    except (ValueError, TypeError) as error:
        raise HostError(f"what the host says of the cluster makes no sense: {error}", "run it again") from None


def _document(
    chosen: Chosen, members: Sequence[tuple[Role, str | None]], told: _Told, dashboard: str
) -> dict[str, Any]:
    """What the host is in its cluster, for reports; `members` are those that run, each with since when."""
    first, last = Ports(chosen.first).open
    return {
        "scheduler": chosen.scheduler,
        "at": f"tls://{chosen.at}",
        "members": [{"role": role, "since": since} for role, since in members],
        "ports": {"first": first, "last": last},
        "workers": [{"at": at, "threads": threads, "memory": memory or None} for at, threads, memory in told.workers],
        "closed": [{"host": host, "port": port, "why": why} for host, _, port, why in told.closed],
        "dashboard": dashboard or None,
    }


def status(job: Job) -> Outcome:
    """Which members run on the host, and on the scheduler's, which workers it has; status 1 if one does not run."""
    job, seen, python = _look(job)
    had = chosen(seen.files.text(CHOSEN))
    outcome = Outcome(job.host.label, job.task, "running", state={"running": seen.server.ours})
    if had is None:
        return _down(outcome, "it is in no cluster")
    roles: tuple[Role, ...] = ROLES if had.scheduler == job.host.label else ("worker",)
    running = [each for each in seen.cluster.runs if each.role in roles]
    scheduler = any(each.role == "scheduler" for each in running)
    told = _ask(job, python, ASKED, [], Ports(had.first).dashboard) if scheduler else _Told()
    members: list[tuple[Role, str | None]] = [
        (each.role, stamp(each.since) if each.since else None) for each in running
    ]
    document = _document(had, members, told, _url(job, seen, had.first) if scheduler else "")
    outcome = replace(outcome, state={**outcome.state, "cluster": document})
    if missing := [role for role in roles if role not in {each.role for each in running}]:
        return _down(outcome, f"its {' and '.join(missing)} do{'es' if len(missing) == 1 else ''} not run")
    if told.fails:
        return _failed(outcome, f"the scheduler does not answer: {told.fails}", task("cluster.logs"))
    return replace(outcome, notes=(_said(told),)) if scheduler else outcome


def _down(outcome: Outcome, why: str) -> Outcome:
    return replace(outcome, verdict="not running", error=why, fix=(task("cluster.up"),), status=1)


def _said(told: _Told) -> str:
    """What the scheduler has, in words."""
    workers, threads = len(told.workers), sum(each[1] for each in told.workers)
    memory = f", {size(sum(each[2] for each in told.workers))} of memory" if told.workers else ""
    return f"the scheduler has {_counted(workers, 'worker')}, {_counted(threads, 'thread')}{memory}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def stop(job: Job) -> Outcome:
    """Ends the members on the host; they stay down until `cluster.up`."""
    job, seen, _ = _look(job)
    changes = list(cluster.ends(seen))
    outcome = Outcome(job.host.label, job.task, "unchanged", state={"running": seen.server.ours})
    if not changes:
        return replace(outcome, notes=("no member of a cluster runs here",))
    course = Course(job.user)
    now = make(job, job.wanted, changes, seen, course)
    if now.cluster.runs:
        still = " and ".join(each.role for each in now.cluster.runs)
        raise HostError(f"its {still} still runs", task("cluster.stop"))
    return replace(outcome, verdict="changed", changes=reported(changes), notes=tuple(course.words))
