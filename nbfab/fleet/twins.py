"""Twins: entries that are one server, because they lead to one address, port, user and profile."""

import ipaddress
from collections.abc import Iterable, Mapping

from nbfab.names import HostString
from nbfab.records import dataclass
from nbfab.ssh.route import Route


@dataclass(frozen=True)
class Entry:
    """An entry under its `name`; `jumps` are its own jump hosts, None for those of the route."""

    name: str
    route: Route
    jumps: tuple[HostString, ...] | None
    profile: str


@dataclass(frozen=True)
class Twin:
    """What an entry is the same as: the `first` with that server, which is `what`."""

    first: str
    what: str


def twins(entries: Iterable[Entry]) -> Mapping[str, Twin]:
    """The entries whose server an entry before them has already, by name.

    One address behind two jump hosts may be two machines, so the way there counts, too.
    """
    first: dict[object, str] = {}
    found: dict[str, Twin] = {}
    for entry in entries:
        route = entry.route
        jumps = route.jumps if entry.jumps is None else entry.jumps
        command = "" if jumps else route.proxy_command
        host = plain(route.hostname)
        before = first.setdefault((host, route.port, route.user, entry.profile, jumps, command), entry.name)
        if before != entry.name:
            where = HostString(route.user, host, route.port)
            found[entry.name] = Twin(before, f"{where}, profile {entry.profile}")
    return found


def plain(host: str) -> str:
    """A host's name or address in the one form that all its spellings share."""
    name = host.lower().rstrip(".")
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name
