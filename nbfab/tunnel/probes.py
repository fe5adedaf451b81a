"""Probes: whether anything answers through a carrier."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress

from nbfab.relay.greeting import probe

_PLAIN = b"HEAD /api/status HTTP/1.0\r\n\r\n"  # which Jupyter does not count as activity


async def relay_answers(path: str) -> int:
    """Asks the relay; what it answers. Raises OSError."""
    loop = asyncio.get_running_loop()
    return await probe(lambda factory: loop.create_unix_connection(factory, path))


async def port_answers(path: str) -> None:
    """Asks for TLS. A connection that the host ends at once is an answer as well: the link is there, no server is.

    Raises OSError.
    """
    await server_answers(path)


async def port_ends(path: str) -> None:
    """Ends a connection at once, and waits for the other end to do the same: a server of plain HTTP would wait for the
    rest of what asks for TLS, and log a request. Raises OSError.
    """
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        writer.write_eof()
        with suppress(ConnectionError):
            await reader.read(1)
    finally:
        writer.close()


async def server_answers(path: str, *, plain: bool = False) -> bool:
    """Asks for TLS, or by plain HTTP; whether there is a server. Raises OSError."""
    return await _greeted(*await asyncio.open_unix_connection(path), plain=plain)


async def server_is_behind(port: int, *, plain: bool = False) -> bool:
    """Whether a server answers behind a port of ours, however that is carried. Raises OSError."""
    return await _greeted(*await asyncio.open_connection("127.0.0.1", port), plain=plain)


async def _greeted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, plain: bool) -> bool:
    """Whether anything comes back for a greeting of TLS, or for a request by plain HTTP."""
    try:
        writer.write(_PLAIN if plain else _hello())
        return bool(await reader.read(1))
    except ConnectionError:  # ended before it had read that
        return False
    finally:
        writer.close()


def _hello() -> bytes:
    """What begins a connection by TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    hello = ssl.MemoryBIO()
    asks = context.wrap_bio(ssl.MemoryBIO(), hello, server_hostname="localhost")
    with suppress(ssl.SSLWantReadError):
        asks.do_handshake()
    return hello.read()
