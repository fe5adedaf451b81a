"""What goes over a link: a greeting each way, then frames.

The near end says which stream it is about, and how many bytes of it have arrived here; the far end answers how many
have arrived there. A frame is a kind, a length, and how many bytes of the other direction have arrived (its end counts
as one more); then as many bytes as the length says. Each is written in one piece: ssh leaves Nagle's algorithm on for
forwarded connections, so two small writes would take 40 ms.
"""

from __future__ import annotations

import struct
from typing import Iterator, NamedTuple

NAME = 16  # bytes; of zeros alone, it asks whether there is anyone
GREETING = struct.Struct(f"!{NAME}sQ")
ANSWER = struct.Struct("!Q")
HEAD = struct.Struct("!BIQ")
DATA, END, GOT, RESET = range(4)  # kinds; `GOT` only counts, `RESET` says that no one wants the rest
NO_SERVER = (1 << 64) - 1  # answers in place of a count: nothing listens there
UNKNOWN = (1 << 64) - 2  # and that stream is not known (any more)
NEW = (1 << 64) - 3  # greets with a stream for the first time; its data follows at once
ANEW = (1 << 64) - 4  # greets with one whose first greeting had no answer
PROBE = bytes(NAME)


class BadFrame(ValueError):
    """What arrived is none of ours."""


class Frame(NamedTuple):
    """A frame, or of one with data the next piece that has arrived."""

    kind: int
    got: int
    data: memoryview


def frame(kind: int, count: int, data: bytes = b"") -> bytes:
    """A frame as it is written."""
    return HEAD.pack(kind, len(data), count) + data


class Frames:
    """Reads frames from what arrives in pieces; no data waits for the rest of its frame."""

    def __init__(self) -> None:
        self._head = b""
        self._kind = self._count = self._missing = 0

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames in what has arrived next. Raises BadFrame."""
        view, at = memoryview(data), 0
        while at < len(view):
            if not self._missing:
                part = view[at : at + HEAD.size - len(self._head)]
                self._head += part
                at += len(part)
                if len(self._head) < HEAD.size:
                    return
                self._kind, self._missing, self._count = HEAD.unpack(self._head)
                self._head = b""
                if self._kind > RESET or (self._missing > 0) != (self._kind == DATA):
                    raise BadFrame(f"kind {self._kind} with {self._missing} bytes")
                if not self._missing:
                    yield Frame(self._kind, self._count, view[:0])
            else:
                piece = view[at : at + self._missing]
                at += len(piece)
                self._missing -= len(piece)
                yield Frame(self._kind, self._count, piece)
