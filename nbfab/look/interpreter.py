"""The Python that the server runs on: whether it works, and what would change what it reads."""

from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType
from typing import Any, NamedTuple

from nbfab.look.fact import fact, items, line, message, record, word, words
from nbfab.records import dataclass


class Kernelspec(NamedTuple):
    """A kernel that cannot start: its name, the program or the file that is at fault, the folder it is in."""

    name: str
    program: str
    folder: str


@dataclass(frozen=True)
class Probe:
    """What the server would import and read.

    `versions` are those of Python and modules; `strangers` modules that come from outside of the environment, each with
    its file; `configs` files that Jupyter reads besides the profile's own; `kernels` those that cannot start.
    """

    versions: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    strangers: tuple[tuple[str, str], ...] = ()
    configs: tuple[str, ...] = ()
    kernels: tuple[Kernelspec, ...] = ()


def _probe(value: Any) -> Probe:
    found = record(value)
    return Probe(
        {word(name): word(version) for name, version in record(found.get("versions")).items()},
        tuple((word(name), line(file)) for name, file in _rows(found.get("strangers"), 2)),
        tuple(map(line, items(found.get("configs")))),
        tuple(Kernelspec(*map(line, row)) for row in _rows(found.get("kernels"), 3)),
    )


def _rows(value: Any, width: int) -> list[Any]:
    rows = [items(row) for row in items(value)]
    if any(len(row) != width for row in rows):
        raise ValueError("a row of another width")
    return rows


@dataclass(frozen=True, kw_only=True)
class InterpreterFacts:
    """The interpreter at `path`, if one is known; `fails` is what it says if it cannot import what the server needs.

    `variables` are names of variables in the server's environment that change what it reads, never their values.
    """

    path: str = fact(line, default="")
    fails: str = fact(message, default="")
    probe: Probe = fact(_probe, default=Probe())
    variables: tuple[str, ...] = fact(words, default=())
