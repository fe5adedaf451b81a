"""What the far end does about a stream that is over."""

import asyncio

from test_ends import Rig, echo, play

from nbfab.relay.frames import ANSWER, DATA, END, GREETING, NEW, UNKNOWN, frame


def test_a_stream_that_is_over_stays_over() -> None:
    """Whose last receipts are lost in a cut; then its first greeting comes, late, over a link that was given up."""
    served = 0
    name = b"\1" * 16
    first = GREETING.pack(name, NEW) + frame(DATA, 0, b"hello") + frame(END, 0)

    async def counts(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        served += 1
        await echo(reader, writer)

    async def said(it: Rig, data: bytes) -> bytes:
        reader, writer = await asyncio.open_unix_connection(it.path)
        writer.write(data)
        answer = await reader.read()
        writer.close()
        return answer

    async def story(it: Rig) -> None:
        reader, writer = await asyncio.open_unix_connection(it.path)
        writer.write(first)
        await reader.readuntil(b"hello - all")
        await reader.readuntil(frame(END, 6))
        writer.transport.abort()
        assert await said(it, GREETING.pack(name, len(b"hello - all") + 1)) == ANSWER.pack(6), "and it is over"
        assert await said(it, GREETING.pack(name, len(b"hello - all") + 1)) == ANSWER.pack(UNKNOWN)
        assert await said(it, first) == b""
        it.far.sweep()
        assert not it.far._streams
        assert await said(it, first) == b""
        assert served == 1

    play(counts, story)
