"""Managed files: what nbfab writes into a profile's folder, and whether that is a safe place to write to."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal

from nbfab.errors import HostError
from nbfab.fix import there
from nbfab.plan.change import Change
from nbfab.records import dataclass

if TYPE_CHECKING:
    from nbfab.look.facts import Facts

PRIVATE = "-rw-------"
_PATH = r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*"  # no blank and nothing that a shell expands
_TYPES = {"text": "-", "certificate": "-", "folder": "d"}


@dataclass(frozen=True)
class Managed:
    """A file or folder in the profile's folder that a step takes care of; `path` is relative to that folder.

    Facts include the text of a `text`; of a `certificate`, a PEM with its key, only the certificate.
    """

    path: str
    kind: Literal["text", "certificate", "folder"] = "text"

    def __post_init__(self) -> None:
        if not re.fullmatch(_PATH, self.path):
            raise ValueError(f"{self.path!r} does not fit into a list of words")

    @property
    def folders(self) -> tuple[Managed, ...]:
        """The folders that it is in, outermost first: replacing one of them replaces the file."""
        above = [str(parent) for parent in PurePosixPath(self.path).parents][::-1]
        return tuple(Managed(path, "folder") for path in above)


def check(managed: Iterable[Managed], facts: Facts) -> None:
    """Raises HostError if the profile's folder, or anything managed in it, is not safe to write a key to."""
    files = facts.files
    if files.state in ("link", "other"):
        what = "is a symbolic link" if files.state == "link" else "is not a folder that can be entered"
        raise _unsafe(files.folder, what)
    if not files.writable:
        place = shlex.quote(files.nearest)
        raise HostError(f"{files.nearest} is not writable for {facts.host.user}", there(f"ls -ld {place}; df {place}"))
    for of in managed:
        entry = files.entry(of.path)
        if entry is None:
            continue
        place = files.folder if of.path == "." else f"{files.folder}/{of.path}"
        if entry.mode[:1] != _TYPES[of.kind]:
            raise _unsafe(place, f"is not a {'folder' if of.kind == 'folder' else 'regular file'}")
        if entry.owner != facts.host.uid:
            raise HostError(
                f"{place} belongs to another user (uid {entry.owner})", there(f"ls -ld {shlex.quote(place)}")
            )


def _unsafe(place: str, what: str) -> HostError:
    reason = f"{place} {what}; nbfab does not write through it, so move it away"
    return HostError(reason, there(f"ls -ld {shlex.quote(place)}"))


def write(
    step: str,
    what: str,
    path: str,
    text: str,
    *,
    detail: str = "",
    reason: str = "",
    diff: str = "",
    needs_restart: bool = False,
    note: str = "",
) -> Change:
    """A change that writes `text` to `path`: whole, and private to its owner."""
    size = str(len(text.encode("utf-8", "surrogateescape")))
    return Change(
        step=step,
        kind="write",
        what=what,
        detail=detail,
        reason=reason,
        diff=diff,
        args={"file": path, "mode": "600", "size": size, "content": text},
        needs_restart=needs_restart,
        note=note,
    )


def in_file(
    step: str, what: str, path: str, want: str, facts: Facts, *, secret: bool = False, needs_restart: bool = False
) -> Iterator[Change]:
    """A change, unless `path` holds the text `want` and is private to its owner. `what` is what people call it."""
    entry = facts.files.entry(path)
    if entry is None:
        yield write(step, f"write {what}", path, want, needs_restart=needs_restart)
    elif entry.text != want:
        diff = "" if secret else differences(path, entry.text, want)
        yield write(step, f"rewrite {what}", path, want, diff=diff, needs_restart=needs_restart)
    elif entry.mode != PRIVATE:
        reason = f"its mode is {entry.mode}"
        yield write(step, f"make {what} private", path, want, reason=reason)


def differences(path: str, have: str, want: str) -> str:
    """What a text changes in the one that a file has."""
    lines = difflib.unified_diff(
        have.splitlines(), want.splitlines(), f"{path} as it is", f"{path} as it should be", "", "", 1, ""
    )
    return "\n".join(lines)
