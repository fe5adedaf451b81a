"""What there is to remove, as far as that was looked for."""

from collections.abc import Iterator
from dataclasses import field
from typing import Any, NamedTuple

from nbfab.look.fact import LINE, fact, line, number, text, words, yes
from nbfab.records import dataclass

MOST_MADE = 100  # lines of a record that nbfab writes a few of
LATEST = 10**11  # seconds since the epoch, in the year 5138
DEEPEST = 64  # folders on the way to an entry


class Entry(NamedTuple):
    """What is at a path: a folder (`d`), a link (`l`), or any other file (`f`)."""

    kind: str
    path: str


def _entries(value: Any) -> tuple[Entry, ...]:
    # A name may have line breaks; then its first line stands for it.
    lines = (each.partition(" ") for each in _lines(value))
    return tuple(
        Entry(kind, path.removeprefix("./"))
        for kind, blank, path in lines
        if blank and kind in ("d", "l", "f") and path.count("/") < DEEPEST
    )


def _lines(value: Any) -> tuple[str, ...]:
    """The lines of a text, each once."""
    return tuple(dict.fromkeys(each for each in text(value).split("\n") if each and len(each) < LINE))


def _processes(value: Any) -> tuple[tuple[str, str], ...]:
    pairs = (each.split() for each in _lines(value))
    return tuple((pair[0], pair[1]) for pair in pairs if len(pair) == 2 and pair[0].isascii() and pair[0].isdigit())


class Trace(NamedTuple):
    """A file in the home folder, and the time of its last change, in seconds since the epoch."""

    changed: int
    path: str


class Run(NamedTuple):
    """When a server of an earlier release ran, in seconds since the epoch."""

    since: int
    until: int


def _time(value: str) -> int:
    time = number(value) if value.isascii() and value.isdigit() and len(value) <= len(str(LATEST)) else 0
    return time if time < LATEST else 0


def _times(value: Any) -> int:
    return _time(line(value))


def _traces(value: Any) -> tuple[Trace, ...]:
    lines = (each.partition(" ") for each in _lines(value))
    return tuple(Trace(_time(time), path.removeprefix("./")) for time, blank, path in lines if blank and _time(time))


def _runs(value: Any) -> tuple[Run, ...]:
    lines = (each.split() for each in _lines(value))
    found = (Run(_time(words[1]), _time(words[2])) for words in lines if len(words) == 3)
    return tuple(run for run in found if run.since and run.until)


@dataclass(frozen=True)
class Made:
    """What nbfab has recorded of what it made beside profiles.

    `folders` did not exist before, and lingering was turned on for a user on a host, for each pair in `lingering`. The
    paths in `absent`, relative to the home folder, did not exist when the first profile was made.
    """

    folders: tuple[str, ...] = ()
    lingering: tuple[tuple[str, str], ...] = field(default=())
    absent: tuple[str, ...] = ()


def _made(value: Any) -> Made:
    lines = [each.split(" ", 1) for each in _lines(value)[:MOST_MADE] if " " in each]
    of = {name: tuple(rest for word, rest in lines if word == name) for name in ("folder", "absent")}
    return Made(of["folder"], tuple(_lingering(lines)), of["absent"])


def _lingering(lines: list[list[str]]) -> Iterator[tuple[str, str]]:
    for word, rest in lines:
        user, _, host = rest.partition(" ")
        if word == "linger" and host:
            yield user, host


@dataclass(frozen=True, kw_only=True)
class LeftFacts:
    """What there is to remove.

    `entries` are in the profile's folder, and relative to it; `sockets` are folders elsewhere that the profile has
    recorded, private to the user, and what is in them; `panes` the processes in its own tmux, but for the `relays`
    there. `orphans` are kernels whose server has ended: the pid of each, and when it started. `beside` it are other
    `profiles`, of which some are `users` of the environment that nbfab made, and other names; `environment` is what
    that holds. `made` is nbfab's record of what it made beside profiles, and `alone` are the folders above that
    hold nothing else, the nearest first. `lingers` is the user's name if they do, and nbfab may have turned that
    on. `traces` are files in the home folder such as servers of earlier releases left there, and `runs` is when these
    ran, beside the server that was started last, which `logged` something at that time. `others` exist there, and are
    places where earlier releases left something; `later` are the folders that `made` has as absent, and what they hold.
    """

    entries: tuple[Entry, ...] = fact(_entries, default=())
    sockets: tuple[Entry, ...] = fact(_entries, default=())
    panes: tuple[str, ...] = fact(words, default=())
    relays: tuple[str, ...] = fact(words, default=())
    orphans: tuple[tuple[str, str], ...] = fact(_processes, default=())
    base_is_link: bool = fact(yes, default=False)
    beside: tuple[Entry, ...] = fact(_entries, default=())
    profiles: tuple[str, ...] = fact(words, default=())
    users: tuple[str, ...] = fact(words, default=())
    environment: tuple[Entry, ...] = fact(_entries, default=())
    made: Made = fact(_made, default=Made())
    alone: tuple[str, ...] = fact(_lines, default=())
    lingers: str = fact(line, default="")
    traces: tuple[Trace, ...] = fact(_traces, default=())
    runs: tuple[Run, ...] = fact(_runs, default=())
    logged: int = fact(_times, default=0)
    others: tuple[str, ...] = fact(_lines, default=())
    later: tuple[Entry, ...] = fact(_entries, default=())
