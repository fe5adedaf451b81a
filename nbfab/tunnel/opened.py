"""Opened: one profile of one host, reachable at a port of ours for as long as this lives."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from nbfab.relay.near import Near
from nbfab.tunnel import once, ports, probes
from nbfab.tunnel.hold import Hold
from nbfab.tunnel.link import EAGER, Link, Pace, Watcher
from nbfab.tunnel.spec import Spec

KEPT = 60.0  # seconds that the browser has to read the page that logs it in


class Opened:
    """A listener here, and behind it the link. `folder` is one that no one else can enter."""

    def __init__(self, spec: Spec, watcher: Watcher, folder: str, pace: Pace = EAGER) -> None:
        self.spec = spec
        self.port = 0
        probe = probes.relay_answers if spec.relayed else probes.port_answers
        self.link = Link(spec.command, spec.target, folder, probe, watcher, os.environ, race=spec.relayed, pace=pace)
        self._near: Near | Hold = Near(self.link.dial) if spec.relayed else Hold(self.link.dial)
        self._listener: asyncio.Server | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._pages: list[once.Page] = []

    @property
    def origin(self) -> str:
        """The URL of the server here, without a path."""
        return f"https://{self.spec.name}:{self.port}"

    async def listen(self) -> tuple[str, ...]:
        """Takes connections from now on; they are held until there is a link. What is to be said of the port.

        Raises OSError.
        """
        taken = await asyncio.to_thread(ports.take, self.spec.state, self.spec.whose, self.spec.ports)
        self.port = int(taken.socket.getsockname()[1])
        self._listener = await asyncio.get_running_loop().create_server(
            lambda: self._near.accept(), sock=taken.socket, backlog=ports.BACKLOG
        )
        return taken.notes

    async def connect(self) -> None:
        """Makes the link, and keeps it from now on. Raises Failed."""
        await self.link.first()
        self._keeping = asyncio.get_running_loop().create_task(self.link.keep())

    async def kept(self) -> None:
        """Returns only if the link, once made, is kept no longer. Raises Failed."""
        if self._keeping is not None:
            await asyncio.shield(self._keeping)

    async def login_page(self) -> str:
        """A URL for the browser, behind which the user is logged in. Raises NoLogin."""
        nonce = await asyncio.to_thread(once.ask, self.port, self.spec.certificate, self.spec.token)
        page = once.Page(self.origin, nonce)
        self._pages.append(page)
        asyncio.get_running_loop().call_later(KEPT, page.remove)
        return page.url

    async def close(self) -> None:
        """Ends it; the server goes on."""
        if self._listener is not None:
            self._listener.close()
        if self._keeping is not None:
            await cancelled(self._keeping)
        await self._near.close()
        await self.link.close()
        for page in self._pages:
            page.remove()


async def cancelled(task: asyncio.Future[Any]) -> None:
    """Cancels a task, and returns once it has ended: before Python 3.12, `wait_for` may swallow one that comes as what
    it waits for is done.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=1.0)
    if not task.cancelled():
        task.exception()  # which was to be expected, and is not to be reported as lost
