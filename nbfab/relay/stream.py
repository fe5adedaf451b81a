"""A stream: a local connection, of a browser or to the server, and the link that carries it, if there is one now."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from typing import Callable

from .budget import STREAM, Budget
from .frames import DATA, END, GOT, RESET, BadFrame, Frames, frame
from .incoming import Incoming
from .outgoing import Outgoing

KEEP = 3600.0  # seconds: a laptop's lid is closed
LINGER = 60.0  # seconds: only the other end's last receipt is missing
LAZY = 0.1  # seconds that a receipt waits for data that it can go with
HIGH = 1 << 19  # bytes that wait to be written, then the other side is not read


class Stream:
    """Carries both directions, over one link after another."""

    def __init__(self, budget: Budget) -> None:
        self.local = Local(self)
        self.over = False  # nothing is left to carry
        self.known = False  # the other end has answered for it
        self.since = time.monotonic()  # without a link
        self._budget = budget
        self._outgoing, self._incoming = Outgoing(), Incoming()
        self._link: Link | None = None
        self._reset = False  # the local connection is gone, and no one wants the rest
        self._timer: asyncio.TimerHandle | None = None

    @property
    def count(self) -> int:
        """How many bytes have arrived, to be said in a greeting."""
        return self._incoming.receipt()

    @property
    def carried(self) -> bool:
        """Whether there is a link now."""
        return self._link is not None

    @property
    def patience(self) -> float:
        """For how many seconds without a link it is worth keeping."""
        all_is_said = self._incoming.ended and self._outgoing.ended and not self._outgoing.kept
        return LINGER if self._reset or all_is_said else KEEP

    def carry(self, link: Link, count: int) -> None:
        """Goes on over this link, in the place of any other; the other end has `count` bytes. Raises BadFrame."""
        if self._link is not None:
            self._link.drop()
        if not self._reset:
            kept = self._outgoing.kept
            self._outgoing.resume(count)
            self._freed(kept)
        self._link, self.known = link, True
        if self.local.full:
            link.pause_reading()
        self.flush()

    def lose(self, link: Link) -> None:
        """A link has ended."""
        if self._link is not link:
            return
        self._link, self.since = None, time.monotonic()
        self._stop_timer()

    def take(self, data: bytes) -> None:
        """The local connection was read."""
        if self._reset or self.over:
            return
        self._outgoing.take(data)
        self._budget.keep(len(data))
        self.flush()
        self._mind_memory()

    def finish(self) -> None:
        """The local connection sends no more."""
        self._outgoing.ended = True
        self.flush()

    def abandon(self) -> None:
        """The local connection is gone: what arrives for it has no taker."""
        if self.over or (self._outgoing.ended and self._incoming.ended):
            return
        self._budget.keep(-self._outgoing.kept)
        self._outgoing, self._reset = Outgoing(), True
        self.flush()

    def flush(self) -> None:
        """Sends what there is to send."""
        link = self._link
        if link is None:
            return
        if self._reset:
            link.write(frame(RESET, 0))
            return
        while not link.full:
            data = self._outgoing.next()
            if not data:
                break
            link.write(frame(DATA, self._incoming.receipt(), data))
        if self._outgoing.takes_end():
            link.write(frame(END, self._incoming.receipt()))

    def receive(self, kind: int, count: int, data: memoryview) -> None:
        """A frame has arrived, or a piece of one. Raises BadFrame."""
        if kind == RESET and not self.over:
            self.abandon()  # which says so in turn
            self.local.drop()
            self.drop()
        if self._reset or self.over:
            return
        kept = self._outgoing.kept
        self._outgoing.acknowledge(count)
        self._freed(kept)
        if kind == DATA:
            if self._incoming.ended:
                raise BadFrame("data after the end")
            self._incoming.got += len(data)
            self.local.write(data)
        elif kind == END and not self._incoming.ended:
            self._incoming.ended = True
            self.local.write_end()
        if self._incoming.ended and self._outgoing.done:
            self._receipt()
            self.drop()
        elif self._incoming.unreceipted >= STREAM // 4 or kind == END:
            self._receipt()
        elif self._incoming.unreceipted and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LAZY, self._receipt)

    def hold(self, full: bool) -> None:
        """The local connection takes no more for now, or does again."""
        if self._link is not None:
            if full:
                self._link.pause_reading()
            else:
                self._link.resume_reading()

    def drop(self) -> None:
        """Ends it, once what was written has gone out."""
        if self.over:
            return
        self.over = True
        self._stop_timer()
        self._budget.forget(self._mind_memory)
        self._budget.keep(-self._outgoing.kept)
        self.local.close()
        if self._link is not None:
            self._link.close()
            self._link = None

    def end_without_other(self) -> None:
        """Ends it because the other end does not know it (any more)."""
        if not self._incoming.ended:
            self.local.drop()
        self.drop()

    def _receipt(self) -> None:
        self._stop_timer()
        if self._link is not None and self._incoming.unreceipted:
            self._link.write(frame(GOT, self._incoming.receipt()))

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _freed(self, kept: int) -> None:
        """What was kept has become less."""
        if kept != self._outgoing.kept and not self.over:
            self._budget.keep(self._outgoing.kept - kept)
            self._mind_memory()

    def _mind_memory(self) -> None:
        """Reads the local connection only as long as there is room for it."""
        if self.over:
            return
        if self._budget.has_room(self._outgoing.kept):
            self._budget.forget(self._mind_memory)
            self.local.resume_reading()
        else:
            if self._outgoing.kept < STREAM:
                self._budget.wait(self._mind_memory)
            self.local.pause_reading()


class Side(asyncio.Protocol):
    """One connection of a stream's, which can be paused before it is there."""

    def __init__(self) -> None:
        self.full = False
        self._paused = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.set_write_buffer_limits(HIGH)
        self._transport = transport
        if self._paused:
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
        if self._transport is not None:
            self._transport.close()

    def drop(self) -> None:
        """Closes it at once."""
        if self._transport is not None:
            self._transport.abort()


class Local(Side):
    """A browser's connection, or one to the server."""

    def __init__(self, stream: Stream) -> None:
        super().__init__()
        self._stream = stream

    def write_end(self) -> None:
        """Says that nothing more comes."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write_eof()

    def drop(self) -> None:
        # A reset, since a clean end would say that this was all.
        if self._transport is not None and (connection := self._transport.get_extra_info("socket")) is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        super().drop()

    def data_received(self, data: bytes) -> None:
        self._stream.take(data)

    def eof_received(self) -> bool:
        self._stream.finish()
        return True  # the other direction stays open

    def connection_lost(self, exc: Exception | None) -> None:
        self._stream.abandon()

    def pause_writing(self) -> None:
        self.full = True
        self._stream.hold(True)

    def resume_writing(self) -> None:
        self.full = False
        self._stream.hold(False)


class Link(Side):
    """What carries a stream for a while; `lost` is called when it has ended."""

    def __init__(self, stream: Stream, transport: asyncio.Transport, lost: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self._stream = stream
        self._frames = Frames()
        self._lost = lost
        self.connection_made(transport)
        transport.set_protocol(self)

    def data_received(self, data: bytes) -> None:
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
