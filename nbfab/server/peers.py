"""Who is at the other end of a connection: an address, or on this machine the user whose socket it is."""

from __future__ import annotations

import ipaddress
import os
from typing import Any, NamedTuple

from .uids import End, Uids


class Peer(NamedTuple):
    """The other end: the key that its tries count by, whether it is the server's own user, and how logs name it."""

    key: str
    owner: bool
    text: str


class Peers:
    """Tells who sent a request.

    If the server is set up to trust the headers of a proxy, that is the client that they name, at its address.
    """

    def __init__(self) -> None:
        self._uids = Uids()

    def of(self, request: Any) -> Peer:
        """The other end of a request's connection."""
        seen = str(request.remote_ip)
        ends = _ends(request)
        if ends is None or ends[0][0] != _parse(seen) or not ends[0][0].is_loopback:
            return Peer(network(seen), False, seen)
        uid = self._uids.of(*ends)
        if uid is None:
            return Peer("loopback", False, seen)
        return Peer(f"uid {uid}", uid == os.getuid(), f"{seen} (uid {uid})")


def network(address: str) -> str:
    """What counts as one address: an IPv4 address, or the /64 of an IPv6 one."""
    ip = _parse(address)
    if ip is None:
        return "unknown"
    return str(ip) if ip.version == 4 else str(ipaddress.ip_network((int(ip), 64), strict=False))


def _parse(address: str) -> Any:
    """An address without its zone, None if it is none. One of IPv4 that a socket for both shows as IPv6 is of IPv4."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return getattr(ip, "ipv4_mapped", None) or ip


def _ends(request: Any) -> tuple[End, End] | None:
    """Both ends of a request's connection, theirs first; None if it is not one of TCP."""
    try:
        socket = request.connection.stream.socket
        theirs, ours = socket.getpeername()[:2], socket.getsockname()[:2]
        ends = (_parse(theirs[0]), theirs[1]), (_parse(ours[0]), ours[1])
    except (AttributeError, OSError, IndexError, TypeError):
        return None
    return ends if ends[0][0] and ends[1][0] else None
