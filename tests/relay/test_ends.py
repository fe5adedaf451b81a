"""Both ends of the relay over a socket that is cut and comes back, with a real server behind it."""

import asyncio
import contextlib
import hashlib
import os
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from nbfab.relay import far, stream
from nbfab.relay.far import Far
from nbfab.relay.frames import ANEW, ANSWER, DATA, END, GREETING, HEAD, NEW, NO_SERVER, frame
from nbfab.relay.greeting import NoFarEnd, greet, probe
from nbfab.relay.near import Near

BOUND = 20  # seconds for anything here


class Rig:
    """A browser's end, a link that can be cut, a far end, and a server."""

    def __init__(self, folder: Path, port: int) -> None:
        self.path = str(folder / "far")
        self.server = port
        self.up = asyncio.Event()
        self.ended = False  # the far end, as is known
        self.up.set()
        self.links: list[asyncio.Transport] = []
        self.ways: list[str] = []  # other sockets that are dialled first, each once
        self.far = Far(lambda: self.server)
        self.refused: list[int] = []
        self.near = Near(self.dial, refused=self.refused.append)
        self.port = 0
        self.listener: asyncio.Server | None = None

    async def dial(self, factory: Callable[[], asyncio.Protocol]) -> tuple[asyncio.BaseTransport, asyncio.Protocol]:
        await self.up.wait()
        if self.ended:
            raise NoFarEnd
        path = self.ways.pop() if self.ways else self.path
        transport, protocol = await asyncio.get_running_loop().create_unix_connection(factory, path)
        self.links.append(transport)
        return transport, protocol

    async def start_far(self) -> None:
        """Starts it, in the place of any other: that has forgotten everything."""
        if self.listener:
            self.listener.close()
            self.far.drop()
            self.far = Far(lambda: self.server)
        self.listener = await asyncio.get_running_loop().create_unix_server(self.far.accept, self.path)

    def cut(self) -> None:
        """Ends all links at once, whatever is under way."""
        for link in self.links:
            link.abort()
        self.links = []


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def rig(serve: Serve) -> AsyncIterator[Rig]:
    with tempfile.TemporaryDirectory() as folder:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        it = Rig(Path(folder), server.sockets[0].getsockname()[1])
        await it.start_far()
        listener = await asyncio.get_running_loop().create_server(it.near.accept, "127.0.0.1", 0)
        it.port = listener.sockets[0].getsockname()[1]
        try:
            yield it
        finally:
            listener.close()
            await it.near.close()
            it.far.drop()
            server.close()
            assert it.listener
            it.listener.close()


def play(serve: Serve, story: Callable[[Rig], Awaitable[None]]) -> None:
    """Plays a story within its bound."""

    async def whole() -> None:
        async with rig(serve) as it:
            await asyncio.wait_for(story(it), BOUND)

    asyncio.run(whole())


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Says everything back, and then no more."""
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()
    writer.write(b" - all")
    writer.close()


async def wait_until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.01)


def test_a_transfer_survives_cuts_and_its_end_passes_either_way() -> None:
    sent = os.urandom(1 << 20) * 20

    async def story(it: Rig) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", it.port)

        async def write() -> None:
            writer.write(sent)
            await writer.drain()
            writer.write_eof()

        writing = asyncio.create_task(write())
        got = b""
        cuts = 0
        while data := await reader.read(1 << 20):
            got += data
            if len(got) > cuts * (2 << 20):
                it.cut()
                cuts += 1
        await writing
        assert got == sent + b" - all"
        assert cuts >= 5
        await wait_until(lambda: not it.near._tasks)
        it.far.sweep()
        assert not it.far._streams

    play(echo, story)


def test_a_connection_to_a_far_end_that_has_ended_is_closed() -> None:
    async def story(it: Rig) -> None:
        it.ended = True
        reader, _ = await asyncio.open_connection("127.0.0.1", it.port)
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read(1) == b""

    play(echo, story)


def test_a_connection_without_a_link_is_held() -> None:
    async def story(it: Rig) -> None:
        it.up.clear()
        reader, writer = await asyncio.open_connection("127.0.0.1", it.port)
        writer.write(b"hello")
        writer.write_eof()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.3)
        it.up.set()
        assert await reader.read() == b"hello - all"

    play(echo, story)


def test_a_new_connection_does_not_wait_for_an_answer_and_may_lose_it() -> None:
    async def story(it: Rig) -> None:
        passed = asyncio.Event()

        async def passes_one_way(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            _, there = await asyncio.open_unix_connection(it.path)
            there.write(await reader.readexactly(GREETING.size + HEAD.size + len(b"hello")))
            await there.drain()
            passed.set()
            await asyncio.sleep(0.1)  # the far end answers, and that is lost
            for each in (writer, there):
                each.transport.abort()

        way = f"{it.path}.way"
        server = await asyncio.start_unix_server(passes_one_way, way)
        it.ways = [way]
        reader, writer = await asyncio.open_connection("127.0.0.1", it.port)
        writer.write(b"hello")
        await passed.wait()
        writer.write_eof()
        assert await reader.read() == b"hello - all"
        server.close()

    play(echo, story)


def test_what_is_sent_while_there_is_no_link_is_bounded() -> None:
    async def pours(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(bytes(1 << 16))
            await writer.drain()

    async def story(it: Rig) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", it.port)
        assert await reader.read(1)
        it.up.clear()
        it.cut()
        (held,) = it.far._streams.values()
        await wait_until(lambda: held.local._paused)
        assert held._outgoing.kept < stream.STREAM + (1 << 20)
        it.up.set()
        await reader.readexactly(3 * stream.STREAM)
        writer.close()

    play(pours, story)


def test_a_browser_that_is_gone_ends_its_connection_to_the_server() -> None:
    ended = asyncio.Event()

    async def pours(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                writer.write(bytes(1 << 16))
                await writer.drain()
        except ConnectionError:
            ended.set()

    async def story(it: Rig) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", it.port)
        assert await reader.read(1)
        it.up.clear()
        it.cut()
        writer.transport.abort()
        await asyncio.sleep(0)
        it.up.set()
        await ended.wait()
        await wait_until(lambda: not it.near._tasks)

    play(pours, story)


def test_a_far_end_that_was_started_anew_ends_what_it_does_not_know() -> None:
    async def story(it: Rig) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", it.port)
        writer.write(b"x")
        assert await reader.read(1) == b"x"
        await it.start_far()
        it.cut()
        with pytest.raises(ConnectionResetError):
            await reader.read()
        reader, writer = await asyncio.open_connection("127.0.0.1", it.port)
        writer.write(b"y")
        writer.write_eof()
        assert await reader.read() == b"y - all"

    play(echo, story)


def test_a_near_end_that_closes_leaves_nothing_at_the_other() -> None:
    async def story(it: Rig) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", it.port)
        writer.write(b"x")
        assert await reader.read(1) == b"x"
        await it.near.close()
        it.far.sweep()
        assert not it.far._streams
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""

    play(echo, story)


def test_where_no_server_listens_the_browser_is_refused_at_once_and_it_is_told() -> None:
    async def story(it: Rig) -> None:
        it.server = 1
        reader, _ = await asyncio.open_connection("127.0.0.1", it.port)
        with pytest.raises(ConnectionResetError):
            await reader.read()
        assert it.refused == [NO_SERVER], "which is told"
        await probe(it.dial)

    play(echo, story)


def test_three_hundred_at_a_time() -> None:
    async def one(it: Rig, number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", it.port)
        text = str(number).encode() * 1000
        writer.write(text)
        writer.write_eof()
        assert await reader.read() == text + b" - all"

    async def story(it: Rig) -> None:
        every = asyncio.gather(*(one(it, number) for number in range(300)))
        for _ in range(5):
            await asyncio.sleep(0.02)
            it.cut()
        await every

    play(echo, story)


def test_what_is_not_of_ours_is_hung_up_on(tmp_path: Path) -> None:
    async def story(it: Rig) -> None:
        for said in (
            b"\1" * 24 + b"\7" * 99,
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 9,
            b"\1" * 16 + b"\xff" * 7 + b"\xfd\7" * 20,
        ):
            reader, writer = await asyncio.open_unix_connection(it.path)
            writer.write(said)
            assert len(await reader.read()) in (0, 8)

    play(echo, story)


BIG = 100 << 20  # bytes


@pytest.mark.parametrize("direction", ["upload", "download"])
def test_a_hundred_megabytes_through_cuts(direction: str) -> None:
    block = os.urandom(1 << 20)
    got, sums = 0, (hashlib.sha256(), hashlib.sha256())

    async def pour(writer: asyncio.StreamWriter) -> None:
        for _ in range(BIG // len(block)):
            sums[0].update(block)
            writer.write(block)
            await writer.drain()
        writer.write_eof()

    async def sink(reader: asyncio.StreamReader) -> None:
        nonlocal got
        while data := await reader.read(1 << 20):
            sums[1].update(data)
            got += len(data)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await (sink(reader) if direction == "upload" else pour(writer))
        writer.close()

    async def story(it: Rig) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", it.port)
        work = asyncio.gather(*([pour(writer), reader.read()] if direction == "upload" else [sink(reader)]))
        for part in range(1, 10):
            await wait_until(lambda part=part: got > part * BIG // 10)  # type: ignore[misc]
            it.up.clear()
            it.cut()
            (held,) = it.far._streams.values()
            assert held._outgoing.kept <= stream.STREAM + (1 << 20)
            it.up.set()
        await work
        assert got == BIG
        assert sums[0].digest() == sums[1].digest()

    play(serve, story)


def test_connections_that_say_nothing_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(far, "PATIENCE", 0.1)

    async def story(it: Rig) -> None:
        silent = [await asyncio.open_unix_connection(it.path) for _ in range(300)]
        for number, (_, writer) in enumerate(silent):
            writer.write(b"x" * (number % 24))  # of a greeting's 24 bytes
        for reader, _ in silent:
            with contextlib.suppress(ConnectionError):  # given up, maybe before its bytes were written
                assert await reader.read() == b""
        assert not it.far._streams
        await probe(it.dial)

    play(echo, story)


def test_what_comes_right_behind_an_answer_is_not_lost() -> None:
    async def dial(factory: Callable[[], asyncio.Protocol]) -> tuple[asyncio.BaseTransport, asyncio.Protocol]:
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        transport, protocol = await loop.create_connection(factory, sock=ours)
        theirs.close()
        for data in (ANSWER.pack(7), b"right ", b"behind"):  # each read by itself, in one turn of the loop
            loop.call_soon(protocol.data_received, data)
        return transport, protocol

    async def story() -> None:
        answer, transport, rest = await greet(dial, bytes(16), 0)
        transport.abort()
        assert (answer, rest) == (7, b"right behind")

    asyncio.run(story())


def test_a_connection_that_is_lost_at_once_is_made_again() -> None:
    """As `ssh` does where nothing listens there yet: it takes the connection, and hangs up."""

    async def story(it: Rig) -> None:
        usual, dead = it.near._dial, 2

        async def dial(factory: Callable[[], asyncio.Protocol]) -> tuple[asyncio.BaseTransport, asyncio.Protocol]:
            nonlocal dead
            transport, protocol = await usual(factory)
            if dead:
                dead -= 1
                it.links[-1].abort()
                await asyncio.sleep(0.05)  # until that has been seen
            return transport, protocol

        it.near._dial = dial
        reader, writer = await asyncio.open_connection("127.0.0.1", it.port)
        writer.write(b"hello")
        writer.write_eof()
        assert await reader.read() == b"hello - all"

    play(echo, story)


def test_a_first_greeting_that_comes_late_changes_nothing() -> None:
    async def story(it: Rig) -> None:
        name = os.urandom(16)
        reader, writer = await asyncio.open_unix_connection(it.path)
        writer.write(GREETING.pack(name, ANEW))
        assert ANSWER.unpack(await reader.readexactly(ANSWER.size)) == (0,)
        late_reader, late = await asyncio.open_unix_connection(it.path)
        late.write(GREETING.pack(name, NEW) + frame(DATA, 0, b"hello"))
        assert await late_reader.read() == b""
        writer.write(frame(DATA, 0, b"hello") + frame(END, 0))
        said = b""
        while b"all" not in said:
            said += await reader.read(1000)
        assert said.count(b"hello") == 1
        for each in (writer, late):
            each.close()

    play(echo, story)
