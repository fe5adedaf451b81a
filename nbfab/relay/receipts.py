"""When to tell the other end what has arrived: with data if there is some, or else a moment later."""

from __future__ import annotations

import asyncio
from typing import Callable

from .incoming import Incoming

LAZY = 0.1  # seconds that a receipt waits for data that it can go with


class Receipts:
    """Those of one stream; `send` sends one that goes alone, if there is a link."""

    def __init__(self, incoming: Incoming, send: Callable[[], None]) -> None:
        self._incoming, self._send = incoming, send
        self._timer: asyncio.TimerHandle | None = None

    def soon(self) -> None:
        """Sends one, unless another frame has it meanwhile."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LAZY, self.now)

    def now(self) -> None:
        """Sends one, if there is anything that the other end does not know."""
        self.stop()
        if self._incoming.unreceipted:
            self._send()

    def stop(self) -> None:
        """Sends none for now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
