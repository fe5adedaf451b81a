"""The folder of the notebooks, and the files that nbfab manages."""

from dataclasses import field
from functools import partial
from typing import Any

from nbfab.look.fact import LINE, digits, fact, line, one_of, path, record, text, word, yes
from nbfab.records import dataclass

GENERATION = "generation"  # a file; its text changes with each run that changes something


@dataclass(frozen=True)
class Entry:
    """A managed file or folder as it is: `mode` as ls(1) prints it, `owner` as a number.

    `text` is its content if the request asks for that; of a PEM with a key, only the certificate.
    """

    path: str
    mode: str
    owner: str
    text: str = field(default="", repr=False)


def _entries(value: Any) -> tuple[Entry, ...]:
    entry = record(value)
    path, mode, owner = line(entry.get("path")), word(entry.get("mode")), digits(entry.get("owner"))
    return (Entry(path, mode, owner, text(entry.get("text"))),)


def _sums(value: Any) -> tuple[tuple[str, str], ...]:
    lines = (line.rpartition(" ") for line in text(value).splitlines())
    return tuple((path, total) for total, _, path in lines)


@dataclass(frozen=True, kw_only=True)
class FileFacts:
    """The folder of the notebooks (`directory`), the folder of the profile (`folder`), and the entries in the latter.

    `nearest` is the profile's folder or the nearest one above it that exists, and `writable` whether the user may write
    there. `sums` are the files of nbfab's module, each with its checksum and size as cksum(1) prints them.
    `key` is the public half of the server's key as PEM; empty if the server answers, or without openssl.
    """

    directory: str = fact(path)
    directory_state: str = fact(one_of("ok", "absent", "other", "unreadable"))
    folder: str = fact(path)
    state: str = fact(one_of("folder", "absent", "link", "other"))
    nearest: str = fact(path)
    writable: bool = fact(yes)
    entries: tuple[Entry, ...] = fact(_entries, default=())
    sums: tuple[tuple[str, str], ...] = fact(_sums, default=())
    key: str = fact(partial(text, most=LINE), default="")
    key_loads: bool = fact(yes, default=True)

    @property
    def base(self) -> str:
        """The folder that holds the profiles, and beside them the environment that nbfab makes."""
        return self.folder.rpartition("/")[0]

    def entry(self, path: str) -> Entry | None:
        """The entry at a path relative to the profile's folder."""
        return next((entry for entry in self.entries if entry.path == path), None)

    def text(self, path: str) -> str:
        """The text at a path; empty if there is none."""
        entry = self.entry(path)
        return entry.text if entry else ""

    def mode(self, path: str) -> str:
        """The mode at a path; empty if nothing is there."""
        entry = self.entry(path)
        return entry.mode if entry else ""
