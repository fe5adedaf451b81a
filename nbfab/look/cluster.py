"""The members of a cluster on the host."""

import ipaddress
from collections.abc import Mapping
from dataclasses import field
from typing import Any, NamedTuple, cast

from nbfab.cluster.member import ROLES, Role
from nbfab.look.fact import fact, items, line, message, number, one_of, record, text, word, words, yes
from nbfab.records import dataclass


class Running(NamedTuple):
    """A member that runs: the `mark` of what it was started with, and `since` when, in seconds since the epoch."""

    role: Role
    mark: str
    since: int


def _runs(value: Any) -> tuple[Running, ...]:
    role, mark, since = line(value).split(" ")
    return (Running(cast(Role, one_of(*ROLES)(role)), word(mark), number(since)),)


@dataclass(frozen=True)
class Seen:
    """What the Python of the kernel has: `versions` of packages, and of itself as `python`.

    The `address` is the one that other hosts reach the host by; at the ports `taken`, something listens.
    """

    versions: Mapping[str, str] = field(default_factory=dict)
    address: str = ""
    taken: frozenset[int] = frozenset()


def _seen(value: Any) -> Seen:
    found = record(value)
    versions = {word(name): word(version) for name, version in record(found.get("versions")).items()}
    address = str(ipaddress.ip_address(text(found.get("address")).partition("%")[0]))
    return Seen(versions, address, frozenset(number(port) for port in items(found.get("taken"))))


@dataclass(frozen=True, kw_only=True)
class ClusterFacts:
    """The members that run, the roles that are to stay `down`, and what their `python` has been `seen` to have, or why
    it `fails` to say so; `proxy` is whether that of the `server` can show a dashboard of theirs.

    Only the tasks of a cluster look for them, and removal.
    """

    runs: tuple[Running, ...] = fact(_runs, default=())
    down: tuple[str, ...] = fact(words, default=())
    python: str = fact(text, default="")
    server: str = fact(text, default="")
    proxy: bool = fact(yes, default=False)
    seen: Seen = fact(_seen, default=Seen())
    fails: str = fact(message, default="")

    def running(self, role: str) -> Running | None:
        """The member of that role, if it runs."""
        return next((each for each in self.runs if each.role == role), None)
