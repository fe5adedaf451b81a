"""Streams, over links that are cut anywhere: every byte arrives once and in order, and so do the ends."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbfab.relay import stream as module
from nbfab.relay.budget import Budget
from nbfab.relay.local import Local
from nbfab.relay.sides import Link
from nbfab.relay.stream import Stream


class Wire(asyncio.Transport):
    """A transport whose bytes are delivered by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.ended = self.closed = self.paused = False
        self.protocol: Any = None

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def write(self, data: Any) -> None:
        assert not self.closed
        self.sent += bytes(data)

    def write_eof(self) -> None:
        self.ended = True

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    abort = close


class End:
    """One end of a stream: its local connection is `wire`, and what was read there is `took`."""

    def __init__(self, budget: Budget) -> None:
        self.stream = Stream(budget)
        self.wire = Wire()
        self.local: Local = self.stream.local
        self.local.connection_made(self.wire)
        self.took = b""
        self.link: Link | None = None
        self.out = Wire()

    def read(self, data: bytes) -> None:
        if not self.wire.paused and not self.wire.closed:
            assert self.stream._outgoing.kept < 16
            self.took += data
            self.local.data_received(data)

    def connect(self) -> None:
        self.out = Wire()
        self.link = Link(self.stream, self.out)

    def lose(self) -> None:
        if self.link is not None:
            link, self.link = self.link, None
            self.out.closed = True
            link.connection_lost(None)


class Pair:
    """Both ends, and the link between them."""

    def __init__(self) -> None:
        self.ends = End(Budget()), End(Budget())

    def deliver(self, of: int, count: int) -> None:
        """Up to so many bytes that an end has sent arrive at the other; behind the last, that it has closed."""
        here, there = self.ends[of], self.ends[1 - of]
        data, here.out.sent = here.out.sent[:count], here.out.sent[count:]
        if there.link is None:
            return
        if data and not there.out.closed:
            there.link.data_received(data)
        if not here.out.sent and here.out.closed:
            there.lose()

    def cut(self) -> None:
        """The link is gone, with all that was under way."""
        for end in self.ends:
            end.out.sent = b""
            end.lose()

    def join(self) -> None:
        """A new link, as a greeting makes it."""
        near, far = self.ends
        if near.stream.over or far.stream.over:
            return
        self.cut()
        count = near.stream.count
        far.connect()
        assert far.link
        answer = far.stream.count
        far.stream.carry(far.link, count)
        near.connect()
        assert near.link
        near.stream.carry(near.link, answer)

    def settle(self) -> None:
        """Delivers all there is to deliver."""
        for _ in range(100):
            for of in (0, 1):
                self.deliver(of, 1 << 30)
            for end in self.ends:
                end.stream._receipts.now()


Act = Callable[[Pair], None]
ends = st.sampled_from((0, 1))
acts: st.SearchStrategy[Act] = st.one_of(
    st.builds(lambda of, data: lambda pair: pair.ends[of].read(data), ends, st.binary(min_size=5, max_size=20)),
    st.builds(lambda of, count: lambda pair: pair.deliver(of, count), ends, st.integers(1, 60)),
    st.builds(lambda of: lambda pair: pair.ends[of].stream._receipts.now(), ends),
    st.just(Pair.cut),
    st.just(Pair.join),
)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept is little, so that it is full soon."""
    monkeypatch.setattr(module, "STREAM", 16)
    monkeypatch.setattr("nbfab.relay.budget.STREAM", 16)


async def play(script: list[Act], first: int) -> None:
    pair = Pair()
    for act in script:
        act(pair)
    for of in (first, 1 - first):
        pair.join()
        pair.settle()
        assert not any(end.wire.paused for end in pair.ends)
        pair.ends[of].local.eof_received()
    pair.settle()
    for of in (0, 1):
        assert pair.ends[1 - of].wire.sent == pair.ends[of].took
        assert pair.ends[of].stream.over
        assert pair.ends[of].wire.closed
    assert pair.ends[0].wire.ended
    assert pair.ends[1].wire.ended


@given(st.lists(acts, max_size=60), ends)
def test_every_byte_arrives_once_and_in_order(script: list[Act], first: int) -> None:
    asyncio.run(play(script, first))
