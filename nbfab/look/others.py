"""This user's Jupyter servers that nbfab did not start."""

import ipaddress
import re
from typing import Any, NamedTuple

from nbfab.look.fact import LINE, WORD, digits, fact, items, line, number, record, text
from nbfab.look.server import FOREVER
from nbfab.records import dataclass

MOST = 100  # servers, and terminals of one
_BASE = re.compile(r"/[A-Za-z0-9._~@%/-]{0,500}")


class Other(NamedTuple):
    """A server that nbfab did not start.

    `start` is when its process started, in the form that `process.sh` prints, and `since` that in seconds since the
    epoch. `tls` and `open` (to everyone who can reach it, without a password or token) are None if it did not answer,
    and `why` says why. `fingerprint` is the SHA-256 of its certificate, in hexadecimal. `note` is the path of its
    runtime file, and `token` whether that holds one. `kernels` is how many are live, None if it does not say, and
    `terminals` their names, if they were asked for.
    """

    pid: int
    start: str
    since: int
    app: str
    version: str
    port: int
    addresses: tuple[str, ...]
    tls: bool | None
    open: bool | None
    why: str
    fingerprint: str
    folder: str
    base: str
    note: str
    token: bool
    kernels: int | None
    terminals: tuple[str, ...] | None

    @property
    def only_here(self) -> bool:
        """Whether it can be reached on its host alone."""
        return all(ipaddress.ip_address(address).is_loopback for address in self.addresses)

    @property
    def address(self) -> str:
        """Where it is reached on its own host."""
        first = next((one for one in self.addresses if "." in one), self.addresses[0])
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(first, first)

    @property
    def live(self) -> tuple[str, ...]:
        """What ending it would destroy, in words that fit into a sentence."""
        if self.kernels is None:
            return ("kernels it cannot list",)
        kernels = (f"{self.kernels} kernel{'' if self.kernels == 1 else 's'}",) if self.kernels else ()
        return (*kernels, *(f"terminal {name}" for name in self.terminals or ()))


def _servers(value: Any) -> tuple[Other, ...] | None:
    return None if value is None else tuple(map(_server, items(value)[:MOST]))


def _server(value: Any) -> Other:
    found = record(value)
    pid, port, base = number(found.get("pid")), number(found.get("port")), text(found.get("base"), LINE)
    since, kernels, terminals = number(found.get("since")), found.get("kernels"), found.get("terminals")
    addresses = tuple(map(_address, items(found.get("addresses"))))
    if not (1 < pid < 1 << 31 and 0 < port < 65536 and since < FOREVER and addresses):
        raise ValueError("that is no server")
    return Other(
        pid,
        digits(found.get("start")),
        since,
        text(found.get("app"), WORD),
        text(found.get("version"), WORD),
        port,
        addresses,
        _maybe(found.get("tls")),
        _maybe(found.get("open")),
        text(found.get("why"), LINE),
        _fingerprint(found.get("fingerprint")),
        line(found.get("folder")),
        base if _BASE.fullmatch(base) else "/",
        _path(found.get("note")),
        found.get("token") is True,
        None if kernels is None else number(kernels),
        None if terminals is None else tuple(line(name) for name in items(terminals)[:MOST]),
    )


def _address(value: Any) -> str:
    given = line(value)
    if "%" in given:  # a scope may hold anything, and the kernel tells none
        raise ValueError("that is no address of a server")
    return str(ipaddress.ip_address(given))


def _maybe(value: Any) -> bool | None:
    if not (value is None or isinstance(value, bool)):
        raise ValueError("that is neither true, false nor null")
    return value


def _fingerprint(value: Any) -> str:
    given = text(value, WORD)
    if given and not re.fullmatch(r"[0-9a-f]{64}", given):
        raise ValueError("that is no fingerprint")
    return given


def _path(value: Any) -> str:
    given = line(value)
    return given if given.startswith("/") else ""


@dataclass(frozen=True, kw_only=True)
class OtherFacts:
    """The servers, which only some tasks look for; None if they cannot be looked for there."""

    servers: tuple[Other, ...] | None = fact(_servers, default=None)
