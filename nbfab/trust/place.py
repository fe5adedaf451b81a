"""A place where programs look for authorities, and what is done to it: data."""

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import field
from pathlib import Path
from typing import Literal

from nbfab.fix import Fix
from nbfab.records import dataclass
from nbfab.trust.root import Root

Kind = Literal["nss", "system", "tools"]


@dataclass(frozen=True)
class Place:
    """A store, and what was found there: `held` has the names by which it lists the roots, by their fingerprints.

    `distrusted` are those of them by which it trusts no server. `what` is whose it is. `exists` is whether there is a
    store yet. `why` is why nothing can be done there, with `fix`; `note` is to be known once something was.
    """

    kind: Kind
    what: str
    path: Path
    held: Mapping[str, str] = field(default_factory=dict)
    distrusted: frozenset[str] = frozenset()
    exists: bool = True
    why: str = ""
    fix: Fix = ()
    note: str = ""


@dataclass(frozen=True)
class Run:
    """A program to run."""

    argv: tuple[str, ...]


@dataclass(frozen=True)
class Install:
    """A root to copy to a file."""

    root: Root
    path: Path


@dataclass(frozen=True)
class Write:
    """A file to write."""

    path: Path
    text: str


@dataclass(frozen=True)
class Delete:
    """A file to delete."""

    path: Path


Action = Run | Install | Write | Delete


@dataclass(frozen=True)
class Work:
    """What is to be done to a place: nothing, if there are no `actions`.

    `takes_root` is that this user cannot do it; `roots` are those that are to be there afterwards, or no more.
    """

    place: Place
    actions: tuple[Action, ...] = ()
    roots: tuple[Root, ...] = ()
    takes_root: bool = False


def line(actions: Iterable[Action], *, sudo: bool) -> str:
    """The command line that does the same: by sudo, if it takes root."""
    return " && ".join(shlex.join((*(("sudo",) if sudo else ()), *_argv(action))) for action in actions)


def _argv(action: Action) -> tuple[str, ...]:
    match action:
        case Run(argv):
            return argv
        case Install(root, path):
            return ("install", "-D", "-m", "644", str(root.file), str(path))
        case Delete(path):
            return ("rm", "-f", str(path))
        case Write(path, _):
            return ("test", "-e", str(path))
