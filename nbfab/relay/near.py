"""The near end: takes browsers' connections, and holds each until there is a link for it."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Awaitable, Callable, Tuple

from .budget import Budget
from .frames import ANEW, ANSWER, GREETING, NAME, NEW, NO_SERVER, PROBE, UNKNOWN, BadFrame
from .sides import Link
from .stream import Stream

AGAIN = 0.05  # seconds between two tries over a link that is said to be up
PATIENCE = 10.0  # seconds for an answer to a greeting
GOODBYE = 1.0  # seconds for the other end to hear that all is over

Dial = Callable[[Callable[[], asyncio.Protocol]], Awaitable[Tuple[asyncio.BaseTransport, asyncio.Protocol]]]
"""Waits until there is a link, and connects through it to the far end. Raises NoFarEnd, OSError."""


class NoFarEnd(ConnectionError):
    """The far end has ended: what it had is lost, and no new stream is taken."""


class Near:
    """The streams that began here."""

    def __init__(
        self, dial: Dial, budget: Budget | None = None, refused: Callable[[int], None] = lambda answer: None
    ) -> None:
        self._dial = dial
        self._refused = refused  # told of NO_SERVER and UNKNOWN
        self._budget = budget or Budget()
        self._tasks: dict[asyncio.Task[None], Stream] = {}

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._tasks)

    def accept(self) -> asyncio.Protocol:
        """The protocol for a browser's connection, for `loop.create_server`."""
        stream = Stream(self._budget)
        task = asyncio.get_running_loop().create_task(self._carry(stream))
        self._tasks[task] = stream
        task.add_done_callback(self._tasks.pop)
        return stream.local

    async def close(self) -> None:
        """Ends all streams, at the other end as well, which would keep them for an hour."""
        told = [task for task, stream in self._tasks.items() if stream.carried]
        for task in told:
            self._tasks[task].abandon()
        if told:
            await asyncio.wait(told, timeout=GOODBYE)
        every = [*self._tasks]
        for task in every:
            task.cancel()
        await asyncio.gather(*every, return_exceptions=True)

    async def _carry(self, stream: Stream) -> None:
        name = os.urandom(NAME)
        begun = False
        try:
            while not stream.over and time.monotonic() - stream.since < stream.patience:
                try:
                    if not begun:
                        transport, _ = await self._dial(asyncio.Protocol)
                        begun = True
                        await _begin(transport, stream, name, self._refused)
                        continue
                    answer, transport, rest = await greet(self._dial, name, stream.count if stream.known else ANEW)
                except NoFarEnd:
                    stream.end_without_other()
                    break
                except OSError:
                    await asyncio.sleep(AGAIN)
                    continue
                if stream.over or answer in (NO_SERVER, UNKNOWN):
                    transport.abort()
                    stream.end_without_other()
                    if answer in (NO_SERVER, UNKNOWN):
                        self._refused(answer)
                    break
                stream.known = True
                lost = asyncio.Event()
                link = Link(stream, transport, lost.set)
                try:
                    stream.carry(link, answer)
                except BadFrame:
                    link.drop()
                    stream.end_without_other()
                    break
                link.data_received(rest)
                await lost.wait()
        finally:
            stream.drop()


async def _begin(transport: asyncio.BaseTransport, stream: Stream, name: bytes, refused: Callable[[int], None]) -> None:
    """Carries over a stream's first link until that is lost. What there is to send goes right behind the greeting,
    since waiting for the answer would cost each connection a round trip.
    """
    assert isinstance(transport, asyncio.Transport)
    lost = asyncio.Event()

    def answered(answer: int) -> None:
        timer.cancel()
        stream.known = answer not in (NO_SERVER, UNKNOWN)
        if not stream.known:
            stream.end_without_other()
            refused(answer)

    timer = asyncio.get_running_loop().call_later(PATIENCE, transport.abort)
    transport.write(GREETING.pack(name, NEW))
    stream.carry(Link(stream, transport, lost.set, answered), 0)
    try:
        await lost.wait()
    finally:
        timer.cancel()


async def greet(dial: Dial, name: bytes, count: int) -> tuple[int, asyncio.Transport, bytes]:
    """Says which stream this is about; what the far end answers, and what came behind that. Raises OSError."""
    transport, protocol = await dial(_Answer)
    assert isinstance(transport, asyncio.Transport)
    assert isinstance(protocol, _Answer)
    try:
        transport.write(GREETING.pack(name, count))
        await asyncio.wait_for(protocol.whole, PATIENCE)
    except (asyncio.TimeoutError, EOFError):
        transport.abort()
        raise ConnectionError("the far end does not answer") from None
    except asyncio.CancelledError:
        transport.abort()
        raise
    data = protocol.data  # more may have come since the answer was whole
    return ANSWER.unpack(data[: ANSWER.size])[0], transport, data[ANSWER.size :]


async def probe(dial: Dial) -> int:
    """Asks whether the far end is there; since how many seconds it holds output back, or 0. Raises OSError."""
    answer, transport, _ = await greet(dial, PROBE, 0)
    transport.abort()
    return answer


class _Answer(asyncio.Protocol):
    """Waits for the far end's answer; what comes right behind it is of the stream."""

    def __init__(self) -> None:
        self.whole: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.data = b""

    def data_received(self, data: bytes) -> None:
        self.data += data
        if len(self.data) >= ANSWER.size and not self.whole.done():
            self.whole.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.whole.done():
            self.whole.set_exception(EOFError())
