"""Fix: what to do about a failure. A command can be typed as it stands; what is said about it stands apart."""

import shlex
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from nbfab.records import dataclass

THERE = "the host"


@dataclass(frozen=True)
class Command:
    """A command line for a shell, and where to type it, if that is not this machine: `on` THERE until it has a name."""

    line: str
    on: str = ""

    def __str__(self) -> str:
        return f"on {self.on}: {self.line}" if self.on else self.line


@dataclass(frozen=True)
class Task:
    """A task on the same host, called as this run was: the same one again if it has no `name`, with more options."""

    name: str = ""
    options: tuple[str, ...] = ()

    def __str__(self) -> str:
        return shlex.join(filter(None, ("nbfab", self.name, *self.options)))


Fix = tuple[str | Command | Task, ...]
"""Words, and commands, in the order in which to heed them; each is a line of its own."""


class Note(str):
    """Something to know of a host, with the `fix` that it has: to the eye a line of words, and a line for each part."""

    words: str
    fix: Fix

    def __new__(cls, words: str, *fix: str | Command | Task) -> "Note":
        note = super().__new__(cls, text((words, *fix)))
        note.words, note.fix = words, fix
        return note


def there(line: str) -> Command:
    """A command to be typed on the host."""
    return Command(line, THERE)


def again(*options: str) -> Task:
    """The same task again, with more options."""
    return Task(options=options)


def task(name: str, *options: str) -> Task:
    """Another task on the same host."""
    return Task(name, options)


def called(fix: Fix, name: str) -> Fix:
    """A fix in which the task to call again is the one of that name."""
    return tuple(replace(part, name=part.name or name) if isinstance(part, Task) else part for part in fix)


def text(fix: Fix) -> str:
    """A fix as text, a line for each part."""
    return "\n".join(map(str, fix))


def settled(fix: Fix, command: Callable[[Task], str]) -> Fix:
    """A fix that can be typed: each task as the `command` for it."""
    return tuple(Command(command(part)) if isinstance(part, Task) else part for part in fix)


def named(fix: Fix, host: str) -> Fix:
    """A fix that says where to type it: THERE is `host`, or, if that is empty, this machine."""
    return tuple(replace(part, on=host) if isinstance(part, Command) and part.on == THERE else part for part in fix)


def each_note(notes: Iterable[str], change: Callable[[Fix], Fix]) -> tuple[str, ...]:
    """Notes, each fix changed."""
    return tuple(Note(note.words, *change(note.fix)) if isinstance(note, Note) else note for note in notes)


def document(fix: Fix) -> list[dict[str, Any]]:
    """A fix as JSON: `{"words": ...}` or `{"command": ..., "on": HOST}`, where no host is this machine."""
    return [
        {"command": part.line, "on": part.on} if isinstance(part, Command) else {"words": str(part)} for part in fix
    ]
