"""One direction of a stream where it is sent: what has been read and has not arrived yet."""

from __future__ import annotations

from collections import deque

from .frames import BadFrame


class Outgoing:
    """Bytes in order: of them, `taken` have been read so far, and `arrived` are known to be at the other end."""

    def __init__(self) -> None:
        self.taken = self.arrived = 0
        self.ended = False  # nothing more is read
        self._sent: deque[bytes] = deque()  # over this link; the first may have arrived in part
        self._waiting: deque[bytes] = deque()
        self._first = 0  # the place of the first byte of `_sent`, or else of `_waiting`
        self._end_sent = False
        self._end_arrived = False

    @property
    def kept(self) -> int:
        """How many bytes are held for the other end."""
        return self.taken - self.arrived

    @property
    def done(self) -> bool:
        """Whether everything has arrived, its end included."""
        return self._end_arrived

    def take(self, data: bytes) -> None:
        """Bytes that were read."""
        self.taken += len(data)
        self._waiting.append(data)

    def next(self) -> bytes:
        """The next bytes to send over this link, once; empty if there are none now."""
        if not self._waiting:
            return b""
        data = self._waiting.popleft()
        self._sent.append(data)
        return data

    def takes_end(self) -> bool:
        """Whether it is time to send the end, once over this link."""
        due = self.ended and not self._waiting and not self._end_sent and not self._end_arrived
        self._end_sent = self._end_sent or due
        return due

    def acknowledge(self, count: int) -> None:
        """The other end has `count` bytes, the end counting as one. Raises BadFrame if that cannot be."""
        if count > self.taken + self.ended:
            raise BadFrame(f"{count} of {self.taken} bytes have arrived")
        if count > self.taken:
            self._end_arrived = True
        self.arrived = max(self.arrived, min(count, self.taken))
        while self._sent and self._first + len(self._sent[0]) <= self.arrived:
            self._first += len(self._sent.popleft())

    def resume(self, count: int) -> None:
        """Goes on over another link, from what the other end has. Raises BadFrame if that cannot be."""
        if count < self.arrived:
            raise BadFrame(f"{count} bytes have arrived, where {self.arrived} had")
        self._waiting.extendleft(reversed(self._sent))
        self._sent.clear()
        self._end_sent = False
        self.acknowledge(count)
        while self._waiting and self._first < self.arrived:
            data = self._waiting.popleft()
            have = min(len(data), self.arrived - self._first)
            self._first += have
            if have < len(data):
                self._waiting.appendleft(data[have:])
