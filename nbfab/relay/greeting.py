"""The greeting: what the near end says first over each link, and what it is answered."""

from __future__ import annotations

import asyncio
from typing import Awaitable, Callable, Tuple

from .frames import ANSWER, GREETING, PROBE

PATIENCE = 10.0  # seconds for an answer to a greeting

Dial = Callable[[Callable[[], asyncio.Protocol]], Awaitable[Tuple[asyncio.BaseTransport, asyncio.Protocol]]]
"""Waits until there is a link, and connects through it to the far end. Raises NoFarEnd, OSError."""


class NoFarEnd(ConnectionError):
    """The far end has ended: what it had is lost, and no new stream is taken."""


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
