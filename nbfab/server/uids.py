"""Which user of this machine has the socket at the other end of a connection, as Linux tells."""

from __future__ import annotations

import ipaddress
import socket
import struct
import sys
from typing import Tuple, Union

End = Tuple[Union[ipaddress.IPv4Address, ipaddress.IPv6Address], int]  # address and port
TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
SOCK_DIAG, ASK = 4, 20  # linux/netlink.h, linux/sock_diag.h: NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY
NOTHING = 0xFFFFFFFF  # linux/inet_diag.h: INET_DIAG_NOCOOKIE


class Uids:
    """Asks the kernel for one socket, which takes it no time; where that cannot be asked, reads /proc/net/tcp.

    That file is read whole: 21 ms where 14,000 connections were closed within the last minute, as by one guesser. The
    server would stall.
    """

    def __init__(self) -> None:
        self._answers = False

    def of(self, client: End, server: End) -> int | None:
        """The user whose socket is connected from `client` to `server`; None if that cannot be told."""
        try:
            uid = ask(client, server)
        except FileNotFoundError:  # there is no such socket; or, unless it was ever answered, no such question
            if self._answers:
                return None
        except (OSError, AttributeError, struct.error):  # another system
            pass
        else:
            self._answers = True
            return uid
        for table in TABLES:
            try:
                with open(table, encoding="ascii") as file:
                    uid = find(file.read(), client, server)
            except (OSError, ValueError):
                continue
            if uid is not None:
                return uid
        return None


# A socket that its process has closed has no inode, and its user is given as 0, which may be the owner: it counts as
# not known.


def ask(client: End, server: End) -> int | None:
    """Asks by netlink, see sock_diag(7). FileNotFoundError if there is no such socket."""
    family = socket.AF_INET if client[0].version == 4 else socket.AF_INET6
    ports = struct.pack("!HH", client[1], server[1])
    body = struct.pack("=BBxxI", family, socket.IPPROTO_TCP, NOTHING) + ports
    body += struct.pack("=16s16sIII", client[0].packed, server[0].packed, 0, NOTHING, NOTHING)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, SOCK_DIAG) as kernel:
        kernel.settimeout(1)
        kernel.send(struct.pack("=IHHII", 16 + len(body), ASK, 1, 1, 0) + body)  # a request, the first
        answer = kernel.recv(4096)
    if struct.unpack_from("=H", answer, 4)[0] != ASK:
        raise OSError(-struct.unpack_from("=i", answer, 16)[0], "sock_diag")
    uid, inode = struct.unpack_from("=II", answer, 80)
    # Without such a connection, the kernel may answer with a socket that listens.
    return int(uid) if inode and answer[20:24] == ports else None


def find(table: str, client: End, server: End) -> int | None:
    """Searches the text of a table like /proc/net/tcp."""
    for size in (4, 16):
        place = table.find(f" {_hex(client, size)} {_hex(server, size)} ")
        if place >= 0:
            fields = table[place : table.find("\n", place)].split()
            uid, inode = int(fields[6]), int(fields[8])
            return uid if inode else None
    return None


def _hex(end: End, size: int) -> str:
    """An end as the table of IPv4 (4 bytes) or of IPv6 (16) has it: words in the machine's order of bytes."""
    packed = end[0].packed
    if len(packed) < size:
        packed = b"\0" * 10 + b"\xff\xff" + packed
    words = (packed[at : at + 4] for at in range(0, len(packed), 4))
    return "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words) + f":{end[1]:04X}"
