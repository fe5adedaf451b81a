"""Who is at the other end of a connection: an address, or on this machine the user whose socket it is."""

from __future__ import annotations

import ipaddress
import os
from typing import Any, NamedTuple, Optional, Sequence, Tuple, Union

Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]
End = Tuple[Address, int]
TABLES = ("/proc/net/tcp", "/proc/net/tcp6")


class Peer(NamedTuple):
    """The other end: the key that its tries count by, whether it is the server's own user, and how logs name it."""

    key: str
    owner: bool
    text: str


def peer_of(request: Any) -> Peer:
    """The other end of a request's connection.

    If the server is set up to trust a proxy's headers, it is the one that these name.
    """
    ends = _ends(request)
    if ends is None or str(request.remote_ip).partition("%")[0] != ends[2] or not ends[0][0].is_loopback:
        return Peer(network(request.remote_ip), False, request.remote_ip)
    uid = uid_of(ends[0], ends[1])
    if uid is None:
        return Peer("loopback", False, request.remote_ip)
    return Peer(f"uid {uid}", uid == os.getuid(), f"{request.remote_ip} (uid {uid})")


def network(address: str) -> str:
    """What counts as one address: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        ip = parse(address)
    except ValueError:
        return "unknown"
    return str(ip) if ip.version == 4 else str(ipaddress.ip_network((int(ip), 64), strict=False))


def parse(address: str) -> Address:
    """An address, without its zone; an IPv4 address that a socket for both shows as an IPv6 one is IPv4."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    return getattr(ip, "ipv4_mapped", None) or ip


def uid_of(client: End, server: End, tables: Sequence[str] = TABLES) -> Optional[int]:
    """The user whose socket on this machine is connected from `client` to `server`; None if that cannot be told."""
    for table in tables:
        try:
            with open(table, encoding="ascii") as file:
                found = find(file.read(), client, server)
        except (OSError, ValueError):
            continue
        if found is not None:
            return found
    return None


def find(table: str, client: End, server: End) -> Optional[int]:
    """The user of the socket from `client` to `server` in a table as /proc/net/tcp."""
    for shape in (4, 6):
        wanted = f" {_hex(client, shape)} {_hex(server, shape)} "
        place = table.find(wanted)
        if place >= 0:
            fields = table[place : table.find("\n", place)].split()
            uid, inode = int(fields[6]), int(fields[8])
            # A socket that its process has closed has neither: its user is given as 0, which may be the owner.
            return uid if inode else None
    return None


def _hex(end: End, shape: int) -> str:
    """An end as /proc/net/tcp (4) and tcp6 (6) write it: words in the order of bytes that the machine has."""
    import sys

    packed = end[0].packed
    if shape == 6 and len(packed) == 4:
        packed = b"\0" * 10 + b"\xff\xff" + packed
    words = (packed[at : at + 4] for at in range(0, len(packed), 4))
    return "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words) + f":{end[1]:04X}"


def _ends(request: Any) -> Optional[Tuple[End, End, str]]:
    """Both ends of a request's connection, theirs first, and their address as the socket tells it."""
    try:
        socket = request.connection.stream.socket
        theirs, ours = socket.getpeername(), socket.getsockname()
        return (parse(theirs[0]), theirs[1]), (parse(ours[0]), ours[1]), theirs[0].partition("%")[0]
    except (AttributeError, OSError, ValueError, IndexError):
        return None
