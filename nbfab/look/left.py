"""What there is to remove, as far as that was looked for."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from nbfab.look.fact import LINE, fact, line, text, words, yes

MOST_MADE = 100  # lines of a record that nbfab writes a few of
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


@dataclass(frozen=True)
class Made:
    """What nbfab has recorded of what it made beside profiles.

    `folders` did not exist before, and lingering was turned on for a user on a host, for each pair in `lingering`.
    """

    folders: tuple[str, ...] = ()
    lingering: tuple[tuple[str, str], ...] = field(default=())


def _made(value: Any) -> Made:
    lines = [each.split(" ", 1) for each in _lines(value)[:MOST_MADE] if " " in each]
    return Made(tuple(rest for word, rest in lines if word == "folder"), tuple(_lingering(lines)))


def _lingering(lines: list[list[str]]) -> Iterator[tuple[str, str]]:
    for word, rest in lines:
        user, _, host = rest.partition(" ")
        if word == "linger" and host:
            yield user, host


@dataclass(frozen=True, kw_only=True)
class LeftFacts:
    """What there is to remove.

    `entries` are in the profile's folder, and relative to it; `sockets` are folders elsewhere that the profile has
    recorded, private to the user, and what is in them; `panes` the processes in its own tmux. `orphans` are kernels
    whose server has ended: the pid of each, and when it started. `beside` it are other `profiles`, of which some
    are `users` of the environment that nbfab made, and other names; `environment` is what that holds. `made` is
    nbfab's record of what it made beside profiles, and `alone` are the folders above that hold nothing else, the
    nearest first. `lingers` is the user's name if they do, and nbfab may have turned that on. `traces`, in the home
    folder, were written while the server ran that was started last; `others` exist there, and are
    places where earlier releases left something.
    """

    entries: tuple[Entry, ...] = fact(_entries, default=())
    sockets: tuple[Entry, ...] = fact(_entries, default=())
    panes: tuple[str, ...] = fact(words, default=())
    orphans: tuple[tuple[str, str], ...] = fact(_processes, default=())
    base_is_link: bool = fact(yes, default=False)
    beside: tuple[Entry, ...] = fact(_entries, default=())
    profiles: tuple[str, ...] = fact(words, default=())
    users: tuple[str, ...] = fact(words, default=())
    environment: tuple[Entry, ...] = fact(_entries, default=())
    made: Made = fact(_made, default=Made())
    alone: tuple[str, ...] = fact(_lines, default=())
    lingers: str = fact(line, default="")
    traces: tuple[str, ...] = fact(_lines, default=())
    others: tuple[str, ...] = fact(_lines, default=())
