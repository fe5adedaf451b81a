"""Decide: which host does what in a cluster, from what was seen on each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import NamedTuple

from nbfab.cluster.member import Chosen, Role, Size
from nbfab.cluster.ports import MOST, Ports, choose
from nbfab.errors import HostError, UsageError
from nbfab.fix import Fix, again, task
from nbfab.names import in_url, nearest
from nbfab.records import dataclass

AGREE = ("python", "dask", "distributed", "numpy", "pandas", "msgpack", "cloudpickle", "lz4", "zstandard", "cramjam")


@dataclass(frozen=True)
class Asked:
    """What a run asks for by flags; None for what stays as it was chosen before."""

    scheduler: str | None = None
    workers: int | None = None
    threads: int | None = None
    memory: str | None = None

    def size(self, before: Size) -> Size:
        """What a host runs then, which has had `before`."""
        workers = before.workers if self.workers is None else self.workers
        threads = before.threads if self.threads is None else self.threads
        return Size(workers, threads, before.memory if self.memory is None else self.memory)


class Scheduler(NamedTuple):
    """Where a scheduler is: the `name` of its host, HOST:PORT, and the `versions` there, if they are known."""

    name: str
    at: str
    versions: Mapping[str, str] = {}


@dataclass(frozen=True)
class Candidate:
    """A host that can be a member: its `name`, its user's `uid`, the `address` that others reach it by, and so on.

    `versions` are what members have to agree on; at the ports `taken` something listens, of which `before`, what the
    host has kept of the cluster that it is in, says whether that is its own. `serves` is whether its notebook runs.
    `requirements` is the file that its notebooks were asked to have.
    """

    name: str
    uid: int
    address: str
    versions: Mapping[str, str] = field(default_factory=dict)
    taken: frozenset[int] = frozenset()
    before: Chosen | None = None
    running: bool = False
    serves: bool = True
    requirements: str = ""


@dataclass(frozen=True)
class Place:
    """What a host is in the cluster: its `roles`, and what it keeps of that."""

    roles: tuple[Role, ...]
    chosen: Chosen


def places(
    asked: Asked, found: Sequence[Candidate], names: Sequence[str], last: Scheduler | None = None
) -> Mapping[str, Place]:
    """What each host is, by its name; `names` are all hosts of the inventory, also those that were not reached,
    and `last` is where this machine has last seen the scheduler.

    The scheduler is where it was, or at the first host whose notebook runs. Raises UsageError, or HostError if a
    member would not understand the others.
    """
    if asked.workers is not None and not 1 <= asked.workers <= MOST:
        raise UsageError(f"workers must be a whole number from 1 to {MOST}, not {asked.workers}")
    ports = _ports(found)
    scheduler, at, _ = _scheduler(asked, found, ports, names, last)
    _check_versions(found, scheduler, last.versions if last and last.name == scheduler else {})
    return {each.name: _place(asked, each, scheduler, at, ports[each.name]) for each in found}


def _scheduler(
    asked: Asked, found: Sequence[Candidate], ports: Mapping[str, Ports], names: Sequence[str], last: Scheduler | None
) -> Scheduler:
    """The name of its host, and where it listens."""
    before = [Scheduler(each.before.scheduler, each.before.at) for each in found if each.before]
    # Most hosts are right about a scheduler that has moved while one of them was away.
    known = max(before, key=lambda each: sum(each.name == other.name for other in before), default=last)
    name = asked.scheduler or (known.name if known and known.name in names else "")
    if not name:
        name = next((each.name for each in found if each.serves), found[0].name)
    for each in found:
        if each.name == name:
            return Scheduler(name, f"{in_url(each.address)}:{ports[name].scheduler}")
    if known and known.name == name:
        return known  # left out by --limit, or away
    if name in names:
        raise HostError(f"{name}, which is to be the scheduler's host, is not among the hosts that were reached")
    near = nearest(name, names)
    fix = (again(f"--scheduler={near}"),) if near else ("name a host of the inventory",)
    raise UsageError(f"--scheduler {name[:80]}: the inventory has no such host", *fix)


def _ports(found: Sequence[Candidate]) -> Mapping[str, Ports]:
    """Those of each host: the ones that it has had, or free ones. Two profiles of a host get others."""
    given: dict[str, Ports] = {}
    for host in sorted(found, key=lambda each: not each.before):  # what was had before is not given to others
        beside = [given[each.name].first for each in found if each.address == host.address and each.name in given]
        taken = host.taken - {*_all(host.before.first)} if host.before and host.running else host.taken
        taken |= {port for first in beside for port in _all(first)}
        if host.before and not taken.intersection(_all(host.before.first)):
            given[host.name] = Ports(host.before.first)
            continue
        try:
            given[host.name] = choose(host.uid, taken)
        except ValueError as error:
            raise HostError(f"{host.name}: {error}") from None
    return given


def _all(first: int) -> range:
    return range(first, Ports(first).dashboard + 1)


def _place(asked: Asked, host: Candidate, scheduler: str, at: str, ports: Ports) -> Place:
    size = asked.size(host.before.size if host.before else Size())
    roles: tuple[Role, ...] = ("scheduler", "worker") if host.name == scheduler else ("worker",)
    return Place(roles, Chosen(scheduler, at, ports.first, host.address, size))


def _check_versions(found: Sequence[Candidate], scheduler: str, last: Mapping[str, str]) -> None:
    """Raises HostError if hosts differ in what members have to agree on, with the task that aligns them.

    A scheduler that is not among them had these `last`.
    """
    if lacking := [each for each in found if "distributed" not in each.versions]:
        names = ", ".join(each.name for each in lacking)
        raise HostError(f"the notebooks lack distributed: {names}", *_aligned(lacking, lacking=True))
    absent = Candidate(scheduler, 0, "", last) if last else found[0]
    model = next((each for each in found if each.name == scheduler), absent)
    wrong = {each.name: lines for each in found if (lines := differences(each.versions, model.versions))}
    if wrong:
        words = "; ".join(f"{name} has {', '.join(lines)}" for name, lines in wrong.items())
        others = [each for each in found if each.name in wrong]
        same = f"members of a cluster need the same versions, and those of {model.name} differ from others: {words}"
        raise HostError(same, *_aligned(others, lacking=False))


def differences(have: Mapping[str, str], model: Mapping[str, str]) -> list[str]:
    """What differs, in words: `numpy 1.26.4 (there 2.1.0)`. Of Python, its first two numbers count."""
    lines = []
    for name in AGREE:
        mine, theirs = _counting(name, have), _counting(name, model)
        if mine != theirs:
            has = f"{name} {mine}" if mine else f"no {name}"
            lines.append(f"{has} (there {theirs or 'none'})")
    return lines


def _counting(name: str, versions: Mapping[str, str]) -> str:
    version = versions.get(name, "")
    return ".".join(version.split(".")[:2]) if name == "python" else version


def _aligned(hosts: Sequence[Candidate], *, lacking: bool) -> Fix:
    """The task that gives them the same; of an inventory that lacks a file of requirements, the package alone."""
    file = next((each.requirements for each in hosts if each.requirements), "")
    if lacking and not file:
        return (task("setup", "--with=distributed"),)
    add = "add it to the file" if lacking else "install the same everywhere, from a file that pins the versions"
    return add, task("setup", f"--requirements={file or 'requirements.txt'}")
