"""The environments of a profile's kernel, which are beside that of the server."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from nbfab.look.fact import fact, items, text, word
from nbfab.records import dataclass

_NAME = r"[0-9a-f]{12}(?:-[0-9]{1,3})?"


class Record(NamedTuple):
    """An environment by its folder's `name`: the `digest` of what was asked for, what was `carried` over from the one
    before, and what it had at first, names and versions.
    """

    name: str
    digest: str = ""
    carried: tuple[str, ...] = ()
    built: Mapping[str, str] = {}


class Installed(NamedTuple):
    """What an environment has by now, which of that was asked for by name, and the `commits` of what is from Git."""

    name: str
    packages: Mapping[str, str]
    requested: frozenset[str]
    commits: Mapping[str, str] = {}


def normal(name: str) -> str:
    """A package's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def version(text: str) -> str:
    """A version as PEP 440 compares it; one that is none stays as it is. A folder's name has no hyphens in it."""
    from packaging.version import InvalidVersion, Version

    try:
        return str(Version(text.replace("_", "-")))
    except InvalidVersion:
        return text


def commit(text: str) -> str:
    """The commit of a package from Git; empty for none."""
    return text if re.fullmatch(r"[0-9a-f]{40,64}", text) else ""


def name(value: Any) -> str:
    """The name of an environment's folder."""
    if not isinstance(value, str) or not re.fullmatch(_NAME, value):
        raise ValueError("no name of an environment")
    return value


def _found(value: Any) -> tuple[Record, ...]:
    first, lines = _lines(value)
    digest, carried, built = "", tuple[str, ...](), dict[str, str]()
    for line in lines:
        key, _, rest = line.partition(" ")
        if key == "input":
            digest = word(rest)
        elif key == "carried":
            carried = tuple(map(word, rest.split()))
        elif key == "has":
            built |= dict([_package(rest)[:2]])
    return (Record(name(first), digest, carried, built),)


def _installed(value: Any) -> tuple[Installed, ...]:
    first, lines = _lines(value)
    packages = [(*_package(line.removesuffix("+")), line.endswith("+")) for line in lines]
    requested = frozenset(package for package, _, _, asked in packages if asked)
    commits = {package: of for package, _, of, _ in packages if of}
    return (Installed(name(first), {package: version for package, version, _, _ in packages}, requested, commits),)


def _lines(value: Any) -> tuple[str, list[str]]:
    first, _, rest = text(value).partition("\n")
    return first, items(rest.splitlines())


def _package(text: str) -> tuple[str, str, str]:
    folder, _, of = word(text).partition("@")
    package, _, number = folder.rpartition("-")
    return normal(package), version(number), commit(of)


def _used(value: Any) -> tuple[str, ...]:
    return (name(value),)


@dataclass(frozen=True, kw_only=True)
class EnvFacts:
    """The environments that are complete, what is `installed` in each, and which of them processes use.

    The latter is known only where there are several.
    """

    found: tuple[Record, ...] = fact(_found, default=())
    installed: tuple[Installed, ...] = fact(_installed, default=())
    used: tuple[str, ...] = fact(_used, default=())

    def has(self, name: str) -> Installed:
        """What is installed in the environment of that name."""
        return next((of for of in self.installed if of.name == name), Installed(name, {}, frozenset()))
