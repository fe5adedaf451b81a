"""Opened: one profile of one host, reachable at a port of ours for as long as this lives."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable

from nbfab.relay.budget import Budget
from nbfab.relay.near import Near
from nbfab.tunnel import once, probes
from nbfab.tunnel.carrier import Failed
from nbfab.tunnel.causes import Causes
from nbfab.tunnel.hold import Hold
from nbfab.tunnel.link import Link, Watcher
from nbfab.tunnel.logins import Logins
from nbfab.tunnel.person import Person
from nbfab.tunnel.spec import Spec

KEPT = 60.0  # seconds that the browser has to read the page that logs it in


class Opened:
    """A listener here, and behind it the link. `folder` is one that no one else can enter."""

    def __init__(self, spec: Spec, watcher: Watcher, folder: str) -> None:
        self.spec = spec
        self.port = 0
        person = Person(spec.host) if spec.person else None
        logins = Logins(spec.command, spec.asking, spec.typed, person, watcher.note, keeps=spec.keeps)
        self.causes = Causes(spec, watcher.note, lambda: self.link, lambda: self.port)
        self.link = Link(
            *(spec.command, spec.target, folder, self.causes.probe if spec.relayed else probes.port_answers),
            *(watcher, os.environ),
            race=spec.relayed,
            logins=logins,
            revive=self.causes.host.revive if spec.relayed else None,
        )
        self._near: Near | Hold = (
            Near(self.link.dial, Budget(full=self.causes.full), self.causes.refused)
            if spec.relayed
            else Hold(self.link.dial, self.causes.doubt)
        )
        self._listener: asyncio.Server | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._pages: list[once.Page] = []

    @property
    def origin(self) -> str:
        """The URL of the server here, without a path."""
        return f"https://{self.spec.name}:{self.port}"

    async def listen(self) -> None:
        """Takes connections from now on; they are held until there is a link. Raises OSError."""
        self._listener = await _listen(self._near, self.spec.ports)
        self.port = int(self._listener.sockets[0].getsockname()[1])

    async def connect(self) -> None:
        """Makes the link, and keeps it from now on. Raises Failed."""
        await self.link.first()
        self._keeping = asyncio.get_running_loop().create_task(self.link.keep())

    async def login_page(self) -> str:
        """A URL for the browser, behind which the user is logged in. Raises NoLogin."""
        try:
            nonce = await asyncio.to_thread(once.ask, self.port, self.spec.certificate, self.spec.token)
        except once.NoLogin:
            nonce = await self._ask_anew()
        page = once.Page(self.origin, nonce)
        self._pages.append(page)
        asyncio.get_running_loop().call_later(KEPT, page.remove)
        return page.url

    async def _ask_anew(self) -> str:
        """A nonce from a server that may have another certificate or token by now. Raises NoLogin."""
        try:
            self.spec = await self.causes.renewed(self.spec)
        except Failed as error:
            raise once.NoLogin(str(error)) from None
        return await asyncio.to_thread(once.ask, self.port, self.spec.certificate, self.spec.token)

    async def close(self) -> None:
        """Ends it; the server goes on."""
        if self._listener is not None:
            self._listener.close()
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        await self.causes.close()
        await self._near.close()
        await self.link.close()
        for page in self._pages:
            page.remove()


async def _listen(near: Near | Hold, ports: Iterable[int]) -> asyncio.Server:
    """A listener for this machine alone, at the first port that is free. Raises OSError."""
    last: OSError | None = None
    for port in (*ports, 0):
        try:
            return await asyncio.get_running_loop().create_server(near.accept, "127.0.0.1", port, backlog=512)
        except OSError as error:
            last = error
    raise last or OSError("no port is free")
