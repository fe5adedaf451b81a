"""The step `module`: what runs in the server, and in part in kernels (`nbfab/server/`), beside what refers to it."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING

from nbfab.plan.change import Change
from nbfab.plan.files import Managed
from nbfab.plan.step import Step

if TYPE_CHECKING:
    from nbfab.look.facts import Facts
    from nbfab.wanted import Wanted

NAME = "nbfab_server"
TAKES = "login guard"  # what a running server that has it has taken up
FILE = f"{NAME}/__init__.py"  # without which the server must not start
ENDS = 4  # the version since which it can end every session at once
MANAGED = Managed(NAME, "folder")
_VERSION = re.compile(r"^VERSION = ([0-9]{1,9})\b", re.MULTILINE)
_NAMED = re.compile(rf"^# {NAME}, version ([0-9]{{1,9}}):", re.MULTILINE)
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def lines(folder: str, *, classic: bool) -> Iterator[str]:
    """The part of the settings that brings it into the server of a profile's folder."""
    yield f"# {NAME}, version {version()}: logins and kernels. If it cannot be imported, the server does not start."
    yield f"sys.path.insert(0, {folder!a})"
    yield f"import {NAME}"
    yield f"sys.path.remove({folder!a})"
    yield f"{NAME}.{'configure_classic' if classic else 'configure'}(c, {folder!a})"


def version() -> str:
    """The number that a running server is judged by: another wording is nothing that it would have to take up."""
    found = _VERSION.search(files()[FILE])
    assert found
    return found[1]


def named(settings: str) -> str:
    """Which version settings bring in; empty if none."""
    found = _NAMED.search(settings)
    return found[1] if found else ""


def files() -> Mapping[str, str]:
    """Its files, by their paths in a profile's folder."""
    return package("server", NAME)


@cache
def package(folder: str, name: str) -> Mapping[str, str]:
    """The files of a folder of nbfab's, by the paths that they get in a profile's folder."""
    from importlib import resources

    from nbfab.program import source

    names = sorted(file.name for file in (resources.files("nbfab") / folder).iterdir() if file.name.endswith(".py"))
    return {f"{name}/{file}": source(f"{folder}/{file}") for file in names}


def different(package: Mapping[str, str], facts: Facts) -> Mapping[str, str]:
    """Those files that a host lacks, or has otherwise: by their checksums, since every look would print them all."""
    have = dict(facts.files.sums)
    return {path: text for path, text in package.items() if have.get(path) != checksum(text)}


def write(step: str, what: str, package: Mapping[str, str], *, needs_restart: bool = False) -> Change:
    """The change that writes them."""
    words = tuple(word for path, text in package.items() for word in (path, str(len(text.encode())), text))
    return Change(
        step=step, kind="write module", what=what, words=words, args={"mode": "600"}, needs_restart=needs_restart
    )


def plan(wanted: Wanted, facts: Facts) -> Iterator[Change]:
    """Writes the files that differ."""
    if other := different(files(), facts):
        verb = "rewrite" if facts.files.entry(NAME) else "write"
        yield write("module", f"{verb} the module that guards the server and its kernels", other, needs_restart=True)


def checksum(text: str) -> str:
    """The checksum and the size that cksum(1) prints (POSIX: CRC-32, most significant bit first, then the size)."""
    data = text.encode()
    size = len(data).to_bytes((len(data).bit_length() + 7) // 8, "little")
    crc = zlib.crc32((data + size).translate(_REVERSED), 0xFFFFFFFF)
    return f"{int(f'{crc:032b}'[::-1], 2)} {len(data)}"


STEP = Step(
    "module",
    "Write the module that guards the server and its kernels.",
    plan,
    files=lambda settings: (MANAGED,),
    alone=False,
)
