"""What the far end does about a stream that is over."""

import asyncio
import tempfile

from nbfab.relay.far import Far
from nbfab.relay.frames import ANSWER, DATA, END, GREETING, NEW, UNKNOWN, frame

NAME = b"\1" * 16
FIRST = GREETING.pack(NAME, NEW) + frame(DATA, 0, b"hello") + frame(END, 0)
LAST = GREETING.pack(NAME, len(b"hello - all") + 1)


async def said(path: str, data: bytes) -> bytes:
    """All that it says to that."""
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(data)
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return answer


def test_a_stream_that_is_over_stays_over() -> None:
    """Whose last receipts are lost in a cut; then its first greeting comes, late, over a link that was given up."""
    served = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        served += 1
        writer.write(await reader.read() + b" - all")
        writer.close()

    async def story(path: str) -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        far = Far(lambda: int(server.sockets[0].getsockname()[1]))
        listener = await asyncio.get_running_loop().create_unix_server(far.accept, path)
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(FIRST)
        await asyncio.wait_for(reader.readuntil(frame(END, 6)), 10)
        writer.transport.abort()
        assert await said(path, LAST) == ANSWER.pack(6), "and it is over"
        assert await said(path, LAST) == ANSWER.pack(UNKNOWN)
        assert await said(path, FIRST) == b""
        far.sweep()
        assert not far._streams
        assert await said(path, FIRST) == b""
        assert served == 1
        listener.close()
        server.close()

    with tempfile.TemporaryDirectory(prefix="nbfab") as folder:
        asyncio.run(story(f"{folder}/far"))
