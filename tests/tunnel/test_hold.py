"""Connections that are held until there is a link."""

import asyncio
from collections.abc import Callable

from nbfab.tunnel.hold import Hold


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(await reader.read())
    writer.close()


async def _held() -> bytes:
    loop = asyncio.get_running_loop()
    server = await asyncio.start_server(_echo, "127.0.0.1", 0)
    up = asyncio.Event()
    asked = asyncio.Event()

    async def dial(factory: Callable[[], asyncio.Protocol]) -> tuple[asyncio.BaseTransport, asyncio.Protocol]:
        asked.set()
        await up.wait()
        return await loop.create_connection(factory, *server.sockets[0].getsockname())

    hold = Hold(dial)
    here = await loop.create_server(hold.accept, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*here.sockets[0].getsockname())
    writer.write(b"said while there is no link")
    writer.write_eof()
    await asked.wait()
    for _ in range(10):  # what was said has arrived by now
        await asyncio.sleep(0.01)
    up.set()
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    await hold.close()
    here.close()
    server.close()
    return answer


def test_what_is_said_before_there_is_a_link_arrives() -> None:
    assert asyncio.run(_held()) == b"said while there is no link"


async def _both_ways_ended() -> None:
    loop = asyncio.get_running_loop()
    server = await asyncio.start_server(_echo, "127.0.0.1", 0)
    sides: list[asyncio.Protocol] = []

    async def dial(factory: Callable[[], asyncio.Protocol]) -> tuple[asyncio.BaseTransport, asyncio.Protocol]:
        return await loop.create_connection(factory, *server.sockets[0].getsockname())

    hold = Hold(dial)

    def accept() -> asyncio.Protocol:
        sides.append(hold.accept())
        return sides[-1]

    here = await loop.create_server(accept, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*here.sockets[0].getsockname())
    writer.write(b"all")
    writer.write_eof()
    assert await reader.read() == b"all"
    async with asyncio.timeout(10):
        while not all(side._gone and side.other._gone for side in sides):  # type: ignore[attr-defined]
            await asyncio.sleep(0.01)
    writer.close()
    here.close()
    server.close()


def test_a_connection_that_has_ended_both_ways_is_closed() -> None:
    asyncio.run(_both_ways_ended())
