"""The connections of a stream, and the one of them that is the link, which carries it for a while."""

from __future__ import annotations

import asyncio
from typing import Callable, Protocol

from .frames import ANSWER, BadFrame, Frames

HIGH = 1 << 19  # bytes that wait to be written, then the other side is not read


class Carried(Protocol):
    """What a stream is to its connections."""

    def take(self, data: bytes) -> None: ...
    def finish(self) -> None: ...
    def abandon(self) -> None: ...
    def hold(self, full: bool) -> None: ...
    def receive(self, kind: int, count: int, data: memoryview) -> None: ...
    def lose(self, link: Link) -> None: ...
    def flush(self) -> None: ...


class Side(asyncio.Protocol):
    """One connection of a stream's, which can be paused, and ended, before it is there."""

    def __init__(self) -> None:
        self.full = False
        self._paused = self._ended = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.set_write_buffer_limits(HIGH)
        self._transport = transport
        if self._ended:
            self.drop()
        elif self._paused:
            transport.pause_reading()

    def pause_reading(self) -> None:
        """Reads no more for now."""
        if not self._paused:
            self._paused = True
            if self._transport is not None and not self._transport.is_closing():
                self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Reads again."""
        if self._paused:
            self._paused = False
            if self._transport is not None and not self._transport.is_closing():
                self._transport.resume_reading()

    def write(self, data: bytes | memoryview) -> None:
        """Writes, now or later; nothing if it is closed."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        """Closes it, once what was written has gone out."""
        self._ended = True
        if self._transport is not None:
            self._transport.close()

    def drop(self) -> None:
        """Closes it at once."""
        self._ended = True
        if self._transport is not None:
            self._transport.abort()


class Link(Side):
    """What carries a stream for a while; `lost` is called when it has ended."""

    def __init__(
        self,
        stream: Carried,
        transport: asyncio.Transport,
        lost: Callable[[], None] = lambda: None,
        answered: Callable[[int], None] | None = None,
    ) -> None:
        """`answered` is called with the far end's answer to a greeting, where that is still to come."""
        super().__init__()
        self._stream = stream
        self._frames = Frames()
        self._lost, self._answered = lost, answered
        self._answer = b""
        self.connection_made(transport)
        transport.set_protocol(self)
        if transport.is_closing():  # it was lost while another protocol was in charge
            asyncio.get_running_loop().call_soon(self.connection_lost, None)

    def data_received(self, data: bytes) -> None:
        if self._answered is not None:
            self._answer += data
            if len(self._answer) < ANSWER.size:
                return
            answered, self._answered = self._answered, None
            answered(ANSWER.unpack(self._answer[: ANSWER.size])[0])
            data = self._answer[ANSWER.size :]
        try:
            for kind, count, piece in self._frames.feed(data):
                self._stream.receive(kind, count, piece)
        except BadFrame:
            self.drop()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._stream.lose(self)
        self._lost()

    def pause_writing(self) -> None:
        self.full = True

    def resume_writing(self) -> None:
        self.full = False
        self._stream.flush()
