"""What a client asks of the proxy: the head of an HTTP request. Pure."""

import base64
import binascii
import hmac
import re
from dataclasses import field

from nbfab.records import dataclass

LONGEST = 8192  # bytes of a head
END = b"\r\n\r\n"
USER = "nbfab"
_TARGET = re.compile(r"(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9._-]{1,253})):([0-9]{1,5})")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass(frozen=True)
class Request:
    """A request: its method, its target as it was written, and as host and port if it is those. `given` is the secret
    that came with it.
    """

    method: str
    target: str
    host: str = ""
    port: int = 0
    given: bytes = field(default=b"", repr=False)

    def knows(self, secret: str) -> bool:
        """Whether it came with that secret."""
        return hmac.compare_digest(self.given, f"{USER}:{secret}".encode())


def parse(head: bytes) -> Request:
    """A request from the text of its head, without the blank line at its end. Raises ValueError."""
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not _NAME.fullmatch(words[0]) or not words[1] or words[2] not in ("HTTP/1.0", "HTTP/1.1"):
        raise ValueError("no request of HTTP/1")
    given: bytes | None = None
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not _NAME.fullmatch(name) or "\n" in value or "\r" in value:
            raise ValueError("no field of a head")
        if name.lower() == "proxy-authorization":
            if given is not None:
                raise ValueError("two secrets")
            given = _basic(value)
    target = _TARGET.fullmatch(words[1])
    host, port = ((target[1] or target[2]).lower().rstrip("."), int(target[3])) if target else ("", 0)
    return Request(words[0], words[1], host, port, given or b"")


def _basic(value: str) -> bytes:
    """The name and the secret of RFC 7617; nothing if it is another scheme."""
    scheme, _, coded = value.strip().partition(" ")
    if scheme.lower() != "basic":
        return b""
    try:
        return base64.b64decode(coded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return b""


def answer(status: int) -> bytes:
    """The head of an answer."""
    reasons = {
        200: "Connection established",
        400: "Bad Request",
        403: "Forbidden",
        407: "Proxy Authentication Required",
        502: "Bad Gateway",
        503: "Service Unavailable",
    }
    fields = {} if status == 200 else {"Content-Length": "0", "Connection": "close"}
    if status == 407:
        fields["Proxy-Authenticate"] = f'Basic realm="{USER}"'
    lines = [f"HTTP/1.1 {status} {reasons[status]}", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join(lines).encode() + END
