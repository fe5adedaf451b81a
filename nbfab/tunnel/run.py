"""The near end, from its first login to Control-C."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import ssl
import tempfile
from collections.abc import Iterable
from contextlib import suppress

from nbfab.relay.near import Near, probe
from nbfab.tunnel import browser, once
from nbfab.tunnel.carrier import Failed
from nbfab.tunnel.hold import Hold
from nbfab.tunnel.link import Link
from nbfab.tunnel.spec import Spec
from nbfab.tunnel.telling import Telling

KEPT = 60.0  # seconds that the browser has to read the page that logs it in
AT_RISK = "the host cannot run nbfab's relay: what is printed while the connection is down may be missing from the page"


async def run(spec: Spec, telling: Telling) -> None:
    """Carries until Control-C, SIGTERM or SIGHUP. Raises Failed if the host cannot be reached to begin with."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, ended.set)
    folder = tempfile.mkdtemp(prefix="nbfab-", dir="/tmp" if len(tempfile.gettempdir()) > 40 else None)  # noqa: S108
    probes = _relay_answers if spec.relayed else _port_answers
    link = Link(spec.command, spec.target, folder, probes, telling, os.environ, race=spec.relayed)
    near = Near(link.dial) if spec.relayed else Hold(link.dial)
    listener = await _listen(near, spec.ports)
    port = int(listener.sockets[0].getsockname()[1])
    tasks: list[asyncio.Task[None]] = []
    page: list[once.Page] = []
    try:
        first = loop.create_task(link.first())
        if not await _or_ended(first, ended):
            return
        first.result()
        tasks.append(loop.create_task(link.keep()))
        await _open(spec, port, telling, page)
        await ended.wait()
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await near.close()
        await link.close()
        for each in page:
            each.remove()
        shutil.rmtree(folder, ignore_errors=True)


async def _or_ended(task: asyncio.Task[None], ended: asyncio.Event) -> bool:
    """Whether a task is done before all is to end; if not, it is cancelled."""
    waiting = asyncio.ensure_future(ended.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if not task.done():
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return False
    return True


async def _listen(near: Near | Hold, ports: Iterable[int]) -> asyncio.Server:
    """A listener for this machine alone, at the first port that is free. Raises OSError."""
    last: OSError | None = None
    for port in (*ports, 0):
        try:
            return await asyncio.get_running_loop().create_server(near.accept, "127.0.0.1", port, backlog=512)
        except OSError as error:
            last = error
    raise last or OSError("no port is free")


async def _open(spec: Spec, port: int, telling: Telling, page: list[once.Page]) -> None:
    """Logs the user in, if that is wanted, and starts the browser, or at least says where to go."""
    origin = f"https://{spec.name}:{port}"
    notes = () if spec.relayed else (AT_RISK,)
    target = f"{origin}/"
    if spec.token and spec.browser:
        try:
            nonce = await asyncio.to_thread(once.ask, port, spec.certificate, spec.token)
        except once.NoLogin as error:
            notes = (*notes, f"you have to log in by yourself: {error}")
        else:
            page.append(once.Page(origin, nonce))
            target = page[0].url
            asyncio.get_running_loop().call_later(KEPT, page[0].remove)
    telling.up(f"{origin}/", notes)
    if spec.browser:
        browser.start(target)


async def _relay_answers(path: str) -> None:
    loop = asyncio.get_running_loop()
    await probe(lambda factory: loop.create_unix_connection(factory, path))


async def _port_answers(path: str) -> None:
    """Asks for TLS; a connection that the host ends at once is an answer as well: the link is there, no server is."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    hello = ssl.MemoryBIO()
    asks = context.wrap_bio(ssl.MemoryBIO(), hello, server_hostname="localhost")
    with suppress(ssl.SSLWantReadError):
        asks.do_handshake()
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        writer.write(hello.read())
        await reader.read(1)
    finally:
        writer.close()


def main(text: str) -> int:
    """Runs a spec that is given as text; the exit status: 0 after Control-C, 1 if the host was not reached."""
    spec = Spec.load(text)
    telling = Telling(spec)
    try:
        asyncio.run(run(spec, telling))
    except Failed as error:
        telling.note(f"not connected: {error}")
        return 1
    return 0
