"""The far end, on the host: takes streams up at a socket for its owner alone, and connects each to the server."""

from __future__ import annotations

import asyncio
import time
from typing import Callable

from .budget import Budget
from .frames import ANEW, ANSWER, GREETING, NEW, NO_SERVER, PROBE, UNKNOWN, BadFrame
from .sides import Link
from .stream import Stream

SWEEP = 5.0  # seconds between two looks at what is no longer needed
PATIENCE = 10.0  # seconds for a greeting
LATE = 300.0  # seconds that a first greeting may be under way, over a link that has been given up
MOST = 4096  # streams that are over and are remembered for that


class Far:
    """The streams of this host, by their names; `port` and `address` say where the server listens, for each anew."""

    def __init__(
        self, port: Callable[[], int], budget: Budget | None = None, address: Callable[[], str] = lambda: "127.0.0.1"
    ) -> None:
        self.used = time.monotonic()
        self._port, self._address = port, address
        self._budget = budget or Budget()
        self._streams: dict[bytes, Stream] = {}
        self._over: dict[bytes, float] = {}  # by name, and since when
        self._held_since = 0.0

    @property
    def held_for(self) -> int:
        """Since how many seconds output is held back, as there is no link and no more room for it; 0 if none is."""
        return max(1, round(time.monotonic() - self._held_since)) if self._held_since else 0

    def accept(self) -> asyncio.Protocol:
        """The protocol for a connection of the near end's, for `loop.create_unix_server`."""
        return _Greeting(self)

    async def take(self, transport: asyncio.Transport, name: bytes, count: int, rest: Callable[[], bytes]) -> None:
        """Answers a greeting, and goes on with its stream."""
        self.used = time.monotonic()
        if name == PROBE:
            transport.write(ANSWER.pack(self.held_for))
            transport.close()
            return
        stream = self._streams.get(name)
        if stream is None and not (count == NEW and name in self._over):
            stream = await self._begin(transport, name, count)
        elif count == NEW:  # it comes late, over a link that was given up: what is behind it has come by another
            transport.abort()
        elif stream is not None and stream.over:  # only its last word was lost
            _refuse(transport, UNKNOWN)
            return
        if stream is None or transport.is_closing():
            return
        transport.write(ANSWER.pack(stream.count))
        link = Link(stream, transport)
        try:
            stream.carry(link, 0 if count in (NEW, ANEW) else count)
        except BadFrame:
            link.drop()
            return
        link.data_received(rest())

    def sweep(self) -> None:
        """Forgets what is over, and what has had no link for too long."""
        now = time.monotonic()
        for name, stream in list(self._streams.items()):
            if stream.carried:
                self.used = now
            elif now - stream.since > stream.patience:
                stream.drop()
            if stream.over:
                del self._streams[name]
                self._over[name] = now
        for name, since in list(self._over.items()):
            if now - since < LATE and len(self._over) <= MOST:
                break
            del self._over[name]
        if not any(stream.held_back for stream in self._streams.values()):
            self._held_since = 0.0
        elif not self._held_since:
            self._held_since = now

    def drop(self) -> None:
        """Ends all streams."""
        for stream in self._streams.values():
            stream.drop()

    async def _begin(self, transport: asyncio.Transport, name: bytes, count: int) -> Stream | None:
        """A new stream; None if there is none to be had, which is answered."""
        if count not in (NEW, ANEW):  # of an earlier life of this program
            _refuse(transport, UNKNOWN)
            return None
        stream = Stream(self._budget)
        try:
            await asyncio.get_running_loop().create_connection(lambda: stream.local, self._address(), self._port())
        except OSError:
            _refuse(transport, NO_SERVER)
            return None
        if name in self._streams:  # greeted again meanwhile
            stream.drop()
            if count == NEW:
                transport.abort()
        return self._streams.setdefault(name, stream)


def _refuse(transport: asyncio.Transport, answer: int) -> None:
    transport.write(ANSWER.pack(answer))
    transport.close()


class _Greeting(asyncio.Protocol):
    """Waits for a greeting; what comes right behind it is of the stream."""

    def __init__(self, far: Far) -> None:
        self._far = far
        self._data = b""
        self._transport: asyncio.Transport | None = None
        self._task: asyncio.Task[None] | None = None
        self._timer = asyncio.get_running_loop().call_later(PATIENCE, self._give_up)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._data += data
        if len(self._data) < GREETING.size or self._task is not None or self._transport is None:
            return
        self._timer.cancel()
        name, count = GREETING.unpack(self._data[: GREETING.size])
        task = self._far.take(self._transport, name, count, self._rest)
        self._task = asyncio.get_running_loop().create_task(task)

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        self._transport = None

    def _rest(self) -> bytes:
        return self._data[GREETING.size :]

    def _give_up(self) -> None:
        if self._transport is not None:
            self._transport.abort()
