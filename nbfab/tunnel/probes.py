"""Probes: whether anything answers through a carrier."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress

from nbfab.relay.greeting import probe


async def relay_answers(path: str) -> int:
    """Asks the relay; what it answers. Raises OSError."""
    loop = asyncio.get_running_loop()
    return await probe(lambda factory: loop.create_unix_connection(factory, path))


async def port_answers(path: str) -> None:
    """Asks for TLS. A connection that the host ends at once is an answer as well: the link is there, no server is.

    Raises OSError.
    """
    await server_answers(path)


async def server_answers(path: str) -> bool:
    """Asks for TLS; whether there is a server. Raises OSError."""
    return await _greeted(*await asyncio.open_unix_connection(path))


async def server_is_behind(port: int) -> bool:
    """Whether a server answers behind a port of ours, however that is carried. Raises OSError."""
    return await _greeted(*await asyncio.open_connection("127.0.0.1", port))


async def _greeted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Whether anything comes back for a greeting of TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    hello = ssl.MemoryBIO()
    asks = context.wrap_bio(ssl.MemoryBIO(), hello, server_hostname="localhost")
    with suppress(ssl.SSLWantReadError):
        asks.do_handshake()
    try:
        writer.write(hello.read())
        return bool(await reader.read(1))
    except ConnectionError:  # ended before it had read that
        return False
    finally:
        writer.close()
