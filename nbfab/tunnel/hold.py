"""Connections as they are: held until there is a link, and ended with it. For hosts where the relay cannot run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from nbfab.relay.greeting import Dial

HIGH = 1 << 19  # bytes that wait to be written, then the other side is not read


class Hold:
    """Connects browsers through the link that there is; `refused` is told of one that got nothing at all."""

    def __init__(self, dial: Dial, refused: Callable[[], None] = lambda: None) -> None:
        self._dial = dial
        self._refused = refused
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def count(self) -> int:
        """How many wait for a link."""
        return len(self._tasks)

    def accept(self) -> asyncio.Protocol:
        """The protocol for a browser's connection, for `loop.create_server`."""
        side = _Side()
        task = asyncio.get_running_loop().create_task(self._join(side))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return side

    async def close(self) -> None:
        """Ends what waits for a link."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _join(self, near: _Side) -> None:
        far = _Side(self._refused)
        far.other, near.other = near, far
        try:
            while True:
                try:
                    await self._dial(lambda: far)
                    break
                except OSError:
                    await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            near.close()
            raise
        near.go()


class _Side(asyncio.Protocol):
    """One of two connections; what is read here is written there. It is not read before there are two."""

    def __init__(self, unread: Callable[[], None] = lambda: None) -> None:
        self.other: _Side | None = None
        self._unread: Callable[[], None] | None = unread
        self._transport: asyncio.Transport | None = None
        self._gone = False
        self._read_all = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(HIGH)
        if self.other is None or self.other._transport is None or self.other._gone:
            transport.pause_reading()

    def go(self) -> None:
        """Reads from now on."""
        if self._gone:
            if self.other is not None:
                self.other.close()
        elif self._transport is not None:
            self._transport.resume_reading()

    def close(self) -> None:
        """Ends it, once what was written has gone out."""
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._unread = None
        if self.other is not None and self.other._transport is not None and not self.other._transport.is_closing():
            self.other._transport.write(data)

    def eof_received(self) -> bool:
        self._is_unread()
        self._read_all = True
        if self.other is not None and self.other._transport is not None and not self.other._transport.is_closing():
            self.other._transport.write_eof()
        if self.other is not None and self.other._read_all:  # both have said all, and nothing else would close them
            self.other.close()
            return False
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone = True
        if self.other is not None:
            self.other.close()
            if not self.other._gone:  # it was the first to end
                self._is_unread()

    def _is_unread(self) -> None:
        if self._unread is not None:
            self._unread()
            self._unread = None

    def pause_writing(self) -> None:
        if self.other is not None and self.other._transport is not None:
            self.other._transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None and self.other._transport is not None:
            self.other._transport.resume_reading()
