"""Which user of this machine has the other end of a connection, as Linux tells."""

from __future__ import annotations

import os
import socket
import sys

TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
_MAPPED = b"\0" * 10 + b"\xff\xff"  # in front of an IPv4 address, where a socket is for both

End = tuple[str, int]  # IPv4 address and port


def uid_of(theirs: End, ours: End) -> int | None:
    """The user whose socket is connected from `theirs` to `ours`; None if that cannot be told."""
    for table in TABLES:
        try:
            with open(table, encoding="ascii") as file:
                uid = find(file.read(), theirs, ours)
        except (OSError, ValueError, IndexError):
            continue
        if uid is not None:
            return uid
    return None


def find(table: str, theirs: End, ours: End) -> int | None:
    """Searches the text of such a table."""
    for mapped in (b"", _MAPPED):
        place = table.find(f" {_hex(theirs, mapped)} {_hex(ours, mapped)} ")
        if place >= 0:
            fields = table[place : table.find("\n", place)].split()
            # A socket that its process has closed has no inode, and its user is given as 0.
            return int(fields[6]) if int(fields[8]) else None
    return None


def can_tell() -> bool:
    """Whether this machine tells, tried with a connection of our own."""
    try:
        with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
            return uid_of(client.getsockname(), client.getpeername()) == os.geteuid()
    except OSError:
        return False


def _hex(end: End, mapped: bytes) -> str:
    """An end as the tables have it: words in the machine's order of bytes."""
    packed = mapped + socket.inet_aton(end[0])
    words = (packed[at : at + 4] for at in range(0, len(packed), 4))
    return "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words) + f":{end[1]:04X}"
