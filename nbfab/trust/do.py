"""Doing it, and reading it back: what a program says of its success proves none."""

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from shlex import quote
from typing import Any, Literal

from nbfab import fix as fixes
from nbfab.fix import Command, Fix
from nbfab.records import dataclass
from nbfab.trust import nss, plan, system, tools
from nbfab.trust.machine import Machine, run
from nbfab.trust.place import Action, Delete, Install, Place, Run, Work, Write, line
from nbfab.trust.records import write_public
from nbfab.trust.root import Root

Ending = Literal["done", "there", "not there", "to do", "failed", "opens", "refuses", "not tried", "left"]


@dataclass(frozen=True)
class Done:
    """How it ended in a place, or with a program that was tried: `why` not well and its `fix`, or what to know."""

    what: str
    path: str
    ending: Ending
    why: str = ""
    fix: Fix = ()

    @property
    def failed(self) -> bool:
        """Whether this is a failure."""
        return self.ending in ("failed", "refuses")

    def document(self) -> dict[str, Any]:
        """This as JSON: always the same keys."""
        parts = {"what": self.what, "path": self.path, "ending": self.ending, "why": self.why or None}
        return {**parts, "fix": fixes.document(self.fix)}


def ahead(works: Iterable[Work], *, adds: bool) -> tuple[Done, ...]:
    """What would be done, before it is."""
    return tuple(_ahead(work, adds=adds) for work in works)


def do(machine: Machine, works: Sequence[Work], *, adds: bool) -> tuple[Done, ...]:
    """Does all of it; what fails in one place keeps no other from its own."""
    return tuple(_do(machine, work, adds=adds) for work in works)


def _ahead(work: Work, *, adds: bool) -> Done:
    place = work.place
    if place.why and (adds or place.kind == "nss"):
        return Done(place.what, str(place.path), "failed", place.why, place.fix)
    if work.takes_root and work.actions:
        return _by_hand(work)
    if work.actions:
        return Done(place.what, str(place.path), "to do")
    return Done(place.what, str(place.path), "there" if adds else "not there")


def _for_shells(machine: Machine, work: Work, done: Done, *, adds: bool) -> Done:
    """The same, with the line for a shell's profile, which nbfab leaves to the user, unless it is in effect."""
    if work.place.kind != "tools" or not adds or tools.is_set(machine):
        return done
    later = "sessions of a desktop have it from the next login on; " if machine.has_systemd else ""
    file = quote(str(tools.snippet(machine)))
    # dash ends at a file that is not there, and with it the login: trust --remove leaves the line in the profile.
    line = Command(f"[ ! -r {file} ] || . {file}")
    return replace(done, why=f"{later}for shells, this line goes into their profile", fix=(line,))


def _by_hand(work: Work) -> Done:
    why = "it takes an administrator; nbfab runs no sudo"
    return Done(work.place.what, str(work.place.path), "to do", why, (Command(line(work.actions, sudo=True)),))


def _do(machine: Machine, work: Work, *, adds: bool) -> Done:
    planned = _ahead(work, adds=adds)
    if planned.ending != "to do" or work.takes_root:
        return _for_shells(machine, work, planned, adds=adds)
    what, path = planned.what, planned.path
    why = next(filter(None, (_act(machine, action) for action in work.actions)), "")
    if "SEC_ERROR_BAD_PASSWORD" in why:  # an identifier of NSS (nss/lib/util/secerr.h)
        why = "it has a primary password, which certutil asks for at a terminal"
    wrong = [root for root in work.roots if not _is_right(machine, work.place, root, adds=adds)]
    if wrong:
        names = " and ".join(root.name for root in wrong)
        file = "" if adds or work.place.kind != "system" else system.shared(machine, wrong[0])
        if file and not why:
            why = f"{file} has {names} among others, so it stays"
            return Done(what, path, "failed", why, (f"take it out of {file}",))
        why = why or f"{names} {'is not in it' if adds else 'is still in it'} after that"
        return Done(what, path, "failed", why, (Command(line(work.actions, sudo=False)),))
    return _for_shells(machine, work, Done(what, path, "done", work.place.note), adds=adds)


def _act(machine: Machine, action: Action) -> str:
    """Why it failed; empty if it did not."""
    try:
        match action:
            case Run(argv):
                return run((machine.programs.get(argv[0], argv[0]), *argv[1:])).why
            case Install(root, path):
                write_public(path, root.pem)
            case Write(path, text):
                write_public(path, text)
            case Delete(path):
                path.unlink(missing_ok=True)
                with contextlib.suppress(OSError):  # it goes with the last file in it, if it is ours
                    if path.parent == tools.folder(machine):
                        path.parent.rmdir()
    except OSError as error:
        return f"{error.filename or 'a file'} could not be written: {error.strerror}"
    return ""


def _is_right(machine: Machine, place: Place, root: Root, *, adds: bool) -> bool:
    """Whether a place, looked at anew, has a root, or has it no more."""
    if place.kind == "nss":
        now = next((of for of in nss.places(machine, [root]) if of.path == place.path), place)
    else:
        now = system.place(machine) if place.kind == "system" else tools.place(machine)
    return not plan.lacks(machine, now, root) if adds else root.fingerprint not in now.held
