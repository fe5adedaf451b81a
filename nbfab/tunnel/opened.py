"""Opened: one profile of one host, reachable at a port of ours for as long as this lives."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable
from contextlib import suppress

from nbfab.relay.near import Near
from nbfab.tunnel import once, probes
from nbfab.tunnel.carrier import Failed
from nbfab.tunnel.hold import Hold
from nbfab.tunnel.link import SUSPECT, Link, Unanswered, Watcher
from nbfab.tunnel.spec import Spec

KEPT = 60.0  # seconds that the browser has to read the page that logs it in
CANNOT = "the host cannot run nbfab's relay"
MAY_NOT = "the host lets no one forward to nbfab's relay (AllowStreamLocalForwarding in its sshd_config)"
NEITHER = (
    "it is logged in, but ssh does not reach the server at {} there: if that runs, the host's administrator has to let "
    "you forward to it (AllowTcpForwarding local in its sshd_config, and no DisableForwarding)"
)


class Opened:
    """A listener here, and behind it the link. `folder` is one that no one else can enter."""

    def __init__(self, spec: Spec, watcher: Watcher, folder: str) -> None:
        self.spec = spec
        self.port = 0
        self.why_plain = "" if spec.relayed else CANNOT
        self._watcher, self._folder = watcher, folder
        self.link = self._link(spec.target)
        self._near: Near | Hold = Near(self.link.dial) if spec.relayed else Hold(self.link.dial)
        self._listener: asyncio.Server | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._pages: list[once.Page] = []

    @property
    def origin(self) -> str:
        """The URL of the server here, without a path."""
        return f"https://{self.spec.name}:{self.port}"

    async def listen(self) -> None:
        """Takes connections from now on; they are held until there is a link. Raises OSError."""
        self._listener = await _listen(lambda: self._near.accept(), self.spec.ports)
        self.port = int(self._listener.sockets[0].getsockname()[1])

    async def connect(self) -> None:
        """Makes the link, and keeps it from now on: a plain one where the relay cannot be reached. Raises Failed."""
        try:
            await self.link.first()
        except Unanswered:
            if not (self.spec.relayed and self.spec.plain):
                raise
            await self._go_plain()
        if self.why_plain:
            await self._see_server()
        self._keeping = asyncio.get_running_loop().create_task(self.link.keep())

    def _link(self, target: str) -> Link:
        """A link; to the relay it races, since what it carries loses nothing by that."""
        probe, race = (probes.port_answers, False) if self.why_plain else (probes.relay_answers, True)
        return Link(self.spec.command, target, self._folder, probe, self._watcher, os.environ, race=race)

    async def _go_plain(self) -> None:
        """What waits for a link to the relay is dropped, so a page that was open asks anew. Raises Failed."""
        await self._near.close()
        self.why_plain = MAY_NOT
        self.link = self._link(self.spec.plain)
        self._near = Hold(self.link.dial)
        await self.link.first()

    async def _see_server(self) -> None:
        """A server that is not there is not told from one that sshd lets no one reach, but it ran a moment ago."""
        assert self.link.carrier
        with suppress(OSError, asyncio.TimeoutError):
            if await asyncio.wait_for(probes.server_answers(self.link.carrier.path), SUSPECT):
                return
        raise Failed(NEITHER.format(self.spec.plain or self.spec.target))

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
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        await self._near.close()
        await self.link.close()
        for page in self._pages:
            page.remove()


async def _listen(accept: Callable[[], asyncio.Protocol], ports: Iterable[int]) -> asyncio.Server:
    """A listener for this machine alone, at the first port that is free. Raises OSError."""
    last: OSError | None = None
    for port in (*ports, 0):
        try:
            return await asyncio.get_running_loop().create_server(accept, "127.0.0.1", port, backlog=512)
        except OSError as error:
            last = error
    raise last or OSError("no port is free")
