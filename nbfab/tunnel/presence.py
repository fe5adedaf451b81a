"""Presence: whether the server still answers behind our port, once a stream has found none."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

EVERY = 2.0  # seconds between two looks


class Presence:
    """`up` waits until the link is, and `answers` asks the server through it. `gone` and `back` are called in turn."""

    def __init__(
        self,
        up: Callable[[], Awaitable[object]],
        answers: Callable[[], Awaitable[bool | None]],
        gone: Callable[[], None],
        back: Callable[[], None],
    ) -> None:
        self._up, self._answers, self._gone, self._back = up, answers, gone, back
        self._watching: asyncio.Task[None] | None = None

    def doubt(self) -> None:
        """A stream has found no server."""
        if self._watching is None or self._watching.done():
            self._watching = asyncio.get_running_loop().create_task(self._watch())

    async def close(self) -> None:
        """Watches no more."""
        if self._watching is not None:
            self._watching.cancel()
            with suppress(asyncio.CancelledError):
                await self._watching

    async def _watch(self) -> None:
        if await self._there():
            return self._back()
        self._gone()
        while not await self._there():
            await asyncio.sleep(EVERY)
        self._back()

    async def _there(self) -> bool:
        """What the server itself says: no answer over a link that falls silent says nothing of it."""
        while True:
            await self._up()
            if (known := await self._answers()) is not None:
                return known
