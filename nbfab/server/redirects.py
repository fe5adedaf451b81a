"""What a plain request gets on a port that speaks https: a redirect to there."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

_REQUEST = re.compile(rb"([A-Z]{1,16}) ([!-~]{1,8000}) HTTP/1\.[01]\r?\n")
_HOST = re.compile(rb"^Host:[ \t]{0,9}([!-~]{1,300})[ \t]{0,9}\r?$", re.IGNORECASE | re.MULTILINE)
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[0-9A-Za-z_.-]{1,253})(?::([0-9]{1,5}))?")


def answer(head: bytes, ours: Any) -> bytes:
    """What a plain request gets: the same place by https, for GET and HEAD. `ours` is our end of the connection.

    Any other method has a body, which has crossed the network for all to read. Sent on, it would arrive, and no one
    would notice what has happened; so it is refused.
    """
    head = re.split(rb"\r?\n\r?\n", head, maxsplit=1)[0] + b"\r\n"
    request = _REQUEST.match(head)
    if not request or not request[2].startswith(b"/"):
        return _response("400 Bad Request", "This port speaks https, and that is no request of a browser's.")
    if request[1] not in (b"GET", b"HEAD"):
        text = "This port speaks https. What was just sent to it was not encrypted, and others may have read it."
        return _response("400 Bad Request", text, body=True)
    place = f"https://{authority(head, ours)}{request[2].decode('ascii')}"
    return _response("307 Temporary Redirect", f"This port speaks https: {place}", place, body=request[1] == b"GET")


def authority(head: bytes, ours: Any) -> str:
    """Host and port that a request was sent to, by its Host; without a valid one, those of the connection.

    A Host without a port means 80: a proxy or a tunnel has led from there to here, and does so for https.
    """
    found = _HOST.findall(head)
    named = _AUTHORITY.fullmatch(found[0].decode("ascii")) if len(found) == 1 else None
    if named and _is_host(named[1]) and 0 < int(named[2] or 80) < 65536:
        return f"{named[1]}:{int(named[2] or 80)}"
    address = ipaddress.ip_address(ours[0].partition("%")[0])
    address = getattr(address, "ipv4_mapped", None) or address
    return f"[{address}]:{ours[1]}" if address.version == 6 else f"{address}:{ours[1]}"


def _is_host(text: str) -> bool:
    if not text.startswith("["):
        return True
    try:
        ipaddress.IPv6Address(text[1:-1])
    except ValueError:
        return False
    return True


def _response(status: str, text: str, place: str = "", *, body: bool = True) -> bytes:
    content = f"{text}\n".encode("ascii")
    lines = [
        f"HTTP/1.1 {status}",
        *([f"Location: {place}"] if place else []),
        "Content-Type: text/plain; charset=UTF-8",
        f"Content-Length: {len(content)}",
        "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff",
        "Connection: close",
    ]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + (content if body else b"")
