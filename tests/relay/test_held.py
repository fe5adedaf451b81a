"""What the far end holds back while there is no link, and tells of it."""

import asyncio
import os
import tempfile
from pathlib import Path

from nbfab.relay.budget import STREAM
from nbfab.relay.far import Far
from nbfab.relay.frames import NAME, NEW
from nbfab.relay.greeting import greet, probe


async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            writer.write(bytes(1 << 16))
            await writer.drain()
    except ConnectionError:
        pass


async def story(folder: str) -> None:
    loop = asyncio.get_running_loop()
    server = await asyncio.start_server(flood, "127.0.0.1", 0)
    far = Far(lambda: int(server.sockets[0].getsockname()[1]))
    path = str(Path(folder, "far"))
    there = await loop.create_unix_server(far.accept, path)

    def dial(factory):  # type: ignore[no-untyped-def]
        return loop.create_unix_connection(factory, path)

    _, link, _ = await greet(dial, os.urandom(NAME), NEW)
    link.pause_reading()
    (stream,) = far._streams.values()
    while stream._share._kept < STREAM:
        await asyncio.sleep(0.01)
    far.sweep()
    assert await probe(dial) == 0, "a link that is slow makes room"
    link.abort()
    while stream.carried:
        await asyncio.sleep(0.01)
    far.sweep()
    far._held_since -= 100
    far.sweep()
    assert await probe(dial) in range(99, 110)
    far.drop()
    far.sweep()
    assert await probe(dial) == 0
    there.close()
    server.close()


def test_output_that_is_held_back_without_a_link_is_told() -> None:
    with tempfile.TemporaryDirectory(prefix="nbfab") as folder:  # the path of a socket has to be short
        asyncio.run(asyncio.wait_for(story(folder), 30))
