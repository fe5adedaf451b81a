"""The near end: takes browsers' connections, and holds each until there is a link for it."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Callable

from .budget import Budget
from .frames import ANEW, GREETING, NAME, NEW, NO_SERVER, UNKNOWN, BadFrame
from .greeting import PATIENCE, Dial, NoFarEnd, greet
from .sides import Link
from .stream import Stream

AGAIN = 0.05  # seconds between two tries over a link that is said to be up
GOODBYE = 1.0  # seconds for the other end to hear that all is over


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
                    stream.drop(cut=True)
                    break
                except OSError:
                    await asyncio.sleep(AGAIN)
                    continue
                if stream.over or answer in (NO_SERVER, UNKNOWN):
                    transport.abort()
                    stream.drop(cut=True)
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
                    stream.drop(cut=True)
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
            stream.drop(cut=True)
            refused(answer)

    timer = asyncio.get_running_loop().call_later(PATIENCE, transport.abort)
    transport.write(GREETING.pack(name, NEW))
    stream.carry(Link(stream, transport, lost.set, answered), 0)
    try:
        await lost.wait()
    finally:
        timer.cancel()
