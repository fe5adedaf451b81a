"""The home folder, and the file system that profiles are on."""

import re
from typing import Any, NamedTuple

from nbfab.look.fact import LINE, fact, line, text, yes
from nbfab.records import dataclass


@dataclass(frozen=True)
class Room:
    """How much a file system holds, and how much of that is free: kilobytes, or inodes. A `size` of 0 is not known."""

    size: int = 0
    free: int = 0


class Mount(NamedTuple):
    """A mount, as proc(5) has it in `mounts`."""

    device: str
    folder: str
    type: str
    options: tuple[str, ...]


class Quota(NamedTuple):
    """What the user has on a `device`, and may have: kilobytes, or files. A `limit` of 0 is none."""

    device: str
    unit: str
    used: int
    limit: int
    over: bool


def _room(value: Any) -> Room:
    """From the last line of df(1) in POSIX's format: device, size, used, free, use in percent, folder."""
    match = re.search(r" ([0-9]{1,15}) +([0-9]{1,15}) +([0-9]{1,15}) +[0-9-]{1,4}%? ", line(value))
    return Room(int(match[1]), int(match[3])) if match else Room()


def _mount(value: Any) -> Mount | None:
    parts = line(value).split("\t")
    return Mount(parts[0], parts[1], parts[2], tuple(parts[3].split(","))) if len(parts) == 4 else None


def _quota(value: Any) -> tuple[Quota, ...]:
    """From quota(1): device, then used, quota, limit and grace, of blocks and of files; an asterisk means over it."""
    found = []
    for row in text(value, LINE).splitlines():
        device, *words = row.split()[:12] or [""]
        for unit, at in (("KB", 0), ("files", 4)):
            cells = [re.fullmatch(r"([0-9]{1,15})(\*?)", word) for word in words[at : at + 3]]
            if len(cells) == 3 and cells[0] and cells[1] and cells[2]:
                limit = int(cells[2][1]) or int(cells[1][1])
                found.append(Quota(device, unit, int(cells[0][1]), limit, bool(cells[0][2])))
    return tuple(found)


def _paths(value: Any) -> tuple[str, ...]:
    return (line(value),)


@dataclass(frozen=True, kw_only=True)
class HomeFacts:
    """The home folder, and the `mount` that `place` is on: the folder of all profiles, or the nearest one above it.

    `space` is in kilobytes. `unwritable` are folders for temporary files that cannot be written.
    """

    folder: str = fact(line, default="")
    writable: bool = fact(yes, default=True)
    place: str = fact(line, default="")
    space: Room = fact(_room, default=Room())
    inodes: Room = fact(_room, default=Room())
    mount: Mount | None = fact(_mount, default=None)
    quota: tuple[Quota, ...] = fact(_quota, default=())
    unwritable: tuple[str, ...] = fact(_paths, default=())
