"""What is around the server: the machine's memory, disks and GPUs, and the other profiles of the user."""

import re
from typing import Any, NamedTuple

from nbfab.look.fact import LINE, fact, items, line, number, record, text
from nbfab.records import dataclass
from nbfab.settings import BY_KEY

MIB = 1 << 20  # nvidia-smi counts in these
MOST_GPUS = 64
_PROFILE = re.compile(r"([A-Za-z0-9][A-Za-z0-9_-]{0,63}) ([0-9]{1,5}|-) (running|stopped)")


class Room(NamedTuple):
    """How much there is, and how much of that is free, in bytes."""

    total: int
    free: int


class Memory(NamedTuple):
    """Memory in bytes, as `Room`; `limited` if that is the limit of a group of processes, and not the machine's."""

    total: int
    free: int
    limited: bool


class Disk(NamedTuple):
    """The file system that a folder is on, in bytes, as `Room`."""

    folder: str
    total: int
    free: int


class Gpu(NamedTuple):
    """A GPU: its number and name, its memory in bytes (0 if not known), how busy it is in percent (-1 likewise)."""

    number: int
    name: str
    total: int
    free: int
    busy: int


class Profile(NamedTuple):
    """Another profile of the user's: its name, its port (0 if not known), whether its server runs."""

    name: str
    port: int
    running: bool


@dataclass(frozen=True)
class Machine:
    """What the machine has; `gpus` is None where there is no nvidia-smi, and `fails` says why it lists none."""

    memory: Memory | None = None
    disks: tuple[Disk, ...] = ()
    gpus: tuple[Gpu, ...] | None = None
    fails: str = ""


def _machine(value: Any) -> Machine:
    found = record(value)
    memory = found.get("memory")
    said = found.get("gpus")
    gpus, fails = (None, "") if said is None else _gpus(record(said))
    return Machine(
        None if memory is None else Memory(*_room(record(memory)), record(memory).get("limited") is True),
        tuple(Disk(line(record(disk).get("folder")), *_room(record(disk))) for disk in items(found.get("disks"))),
        gpus,
        fails,
    )


def _room(value: Any) -> Room:
    # A disk may hold more than the numbers of other facts.
    total, free = value.get("total"), value.get("free")
    if not all(type(each) is int and 0 <= each < 1 << 64 for each in (total, free)) or free > total:
        raise ValueError("that is no amount of memory or disk")
    return Room(total, free)


def _gpus(said: Any) -> tuple[tuple[Gpu, ...], str]:
    """From the output of nvidia-smi: index, name, memory and what of it is used in MiB, how busy in percent."""
    fails = text(said.get("fails"), LINE)
    if fails:
        return (), fails
    rows = [row for row in text(said.get("text"), LINE * 4).splitlines() if row.strip()]
    found = [gpu for gpu in map(_gpu, rows[:MOST_GPUS]) if gpu]
    return tuple(found), "" if found or not rows else f"prints what makes no sense: {rows[0][:100]}"


def _gpu(row: str) -> Gpu | None:
    match = re.fullmatch(
        r"([0-9]{1,3}), ([^,]{1,100}), ([0-9]{1,9}|\[[^\]]{1,40}\]), ([0-9]{1,9}|\[[^\]]{1,40}\]), "
        r"([0-9]{1,3}|\[[^\]]{1,40}\])",
        row.strip()[:400],
    )
    if match is None:
        return None
    total, used, busy = (int(cell) if cell.isdigit() else -1 for cell in match.groups()[2:])
    known = 0 <= used <= total
    return Gpu(int(match[1]), match[2], total * MIB if known else 0, (total - used) * MIB if known else 0, busy)


def _profiles(value: Any) -> tuple[Profile, ...]:
    found = [_PROFILE.fullmatch(row) for row in text(value).splitlines()]
    usual = BY_KEY["port"].default
    return tuple(
        Profile(match[1], usual if match[2] == "-" else number(match[2]), match[3] == "running")
        for match in found
        if match
    )


@dataclass(frozen=True, kw_only=True)
class AroundFacts:
    """What is around the server: the `machine`, and the user's other `profiles` there."""

    machine: Machine = fact(_machine, default=Machine())
    profiles: tuple[Profile, ...] = fact(_profiles, default=())
