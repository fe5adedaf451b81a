"""Which user of this machine is at the other end of a connection over loopback, as Linux tells."""

from __future__ import annotations

import socket
import sys

# Address families, and 127.0.0.1 and ::1 as the table of each has them: words in the machine's order of bytes.
TABLES = (
    ("/proc/net/tcp", socket.AF_INET, ("127.0.0.1",)),
    ("/proc/net/tcp6", socket.AF_INET6, ("::1", "::ffff:127.0.0.1")),
)
KNOWN = sys.platform == "linux"  # whether it can be told here at all


def uid_of(port_local: int, port_remote: int) -> int | None:
    """The user whose socket is connected from `port_remote` to our `port_local`, both on loopback; None if unknown."""
    for path, family, addresses in TABLES:
        try:
            with open(path, encoding="ascii") as file:
                table = file.read()
        except (OSError, ValueError):
            continue
        for address in addresses:
            uid = find(table, _hex(family, address, port_remote), _hex(family, address, port_local))
            if uid is not None:
                return uid
    return None


def find(table: str, client: str, server: str) -> int | None:
    """The user of the socket with those two ends, in the text of a table like /proc/net/tcp.

    A socket that its process has closed has no inode, and its user is given as 0: it counts as unknown.
    """
    place = table.find(f" {client} {server} ")
    if place < 0:
        return None
    fields = table[place : table.find("\n", place)].split()
    return int(fields[6]) if int(fields[8]) else None


def _hex(family: int, address: str, port: int) -> str:
    packed = socket.inet_pton(family, address)
    words = (packed[at : at + 4] for at in range(0, len(packed), 4))
    return "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words) + f":{port:04X}"
