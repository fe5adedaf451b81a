"""Opened: one profile of one host, reachable at a port of ours for as long as this lives."""

from __future__ import annotations

import asyncio
import os
import resource
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from nbfab.relay.budget import Budget
from nbfab.relay.near import Near
from nbfab.tunnel import browser, handover, once, ports, probes
from nbfab.tunnel.carrier import Failed
from nbfab.tunnel.causes import Causes
from nbfab.tunnel.hold import Hold
from nbfab.tunnel.link import EAGER, SUSPECT, Link, Pace, Unanswered, Watcher
from nbfab.tunnel.logins import Logins
from nbfab.tunnel.person import Person
from nbfab.tunnel.spec import Spec

MOST = 1000  # connections at a time
SPARE = 64  # files for all else
CANNOT = "the host cannot run nbfab's relay"
FOREIGN = "nbfab did not start this server"
SILENT = "nbfab's relay on the host does not answer"
MAY_NOT = "the host lets no one forward to nbfab's relay (AllowStreamLocalForwarding in its sshd_config)"
NEITHER = (
    "it is logged in, but ssh does not reach the server at {} there: if that runs, the host's administrator has to let "
    "you forward to it (AllowTcpForwarding local in its sshd_config, and no DisableForwarding)"
)


class Opened:
    """A listener here, and behind it the link. `folder` is one that no one else can enter."""

    def __init__(self, spec: Spec, watcher: Watcher, folder: str, pace: Pace = EAGER) -> None:
        self.spec = spec
        self.port = 0
        self.first = False  # the first time here, so the browser knows nothing of the server yet
        self.why_plain = "" if spec.relayed else FOREIGN if spec.foreign else CANNOT
        self._watcher, self._folder, self._pace = watcher, folder, pace
        person = Person(spec.host) if spec.person else None
        self._logins = Logins(spec.command, spec.asking, spec.typed, person, watcher.note, keeps=spec.keeps)
        self.causes = self._causes(spec)
        self.link = self._link(spec.target)
        self._near: Near | Hold = (
            Near(self.link.dial, Budget(full=self.causes.full), self.causes.refused)
            if spec.relayed
            else Hold(self.link.dial, self.causes.doubt)
        )
        self._listener: asyncio.Server | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._pages: list[handover.Page] = []

    @property
    def origin(self) -> str:
        """The URL of the server here, without a path."""
        return f"{self.spec.foreign or 'https'}://{self.spec.name}:{self.port}"

    @property
    def url(self) -> str:
        """The URL of the server's first page here."""
        return f"{self.origin}{self.spec.base}/"

    @property
    def asking(self) -> bool:
        """Whether a login is at a prompt."""
        return self._logins.asking

    async def listen(self) -> tuple[str, ...]:
        """Takes connections from now on; they are held until there is a link. What is to be said of the port.

        Raises OSError.
        """
        taken = await asyncio.to_thread(ports.take, self.spec.state, self.spec.whose, self.spec.ports)
        self.port, self.first = int(taken.socket.getsockname()[1]), taken.first
        self._listener = await asyncio.get_running_loop().create_server(
            self._accept, sock=taken.socket, backlog=ports.BACKLOG
        )
        return taken.notes

    def _accept(self) -> asyncio.Protocol:
        """One more connection. With too many, which another user of this machine may make, no `ssh` could be started
        any more, and none of them would ever be carried.
        """
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = MOST if soft == resource.RLIM_INFINITY else min(MOST, max(1, (soft - SPARE) // 2))
        return self._near.accept() if self._near.count < most else _TooMany()

    async def connect(self) -> None:
        """Makes the link, and keeps it from now on: a plain one where the relay cannot be reached. Raises Failed."""
        try:
            await self._first()
        except Unanswered as error:
            if not (self.spec.relayed and self.spec.plain):
                raise
            await self._go_plain(SILENT if error.silent else MAY_NOT)
        if self.why_plain:
            await self._see_server()
        self._keeping = asyncio.get_running_loop().create_task(self.link.keep())

    @property
    def _port_probe(self) -> Callable[[str], Awaitable[None]]:
        return probes.port_ends if self.spec.foreign == "http" else probes.port_answers

    async def _first(self) -> None:
        """Makes the first carrier; another, if that falls silent at once: it may be the link. Raises Failed."""
        try:
            return await self.link.first()
        except Unanswered as error:
            if not error.silent:
                raise
        await self.link.first()

    async def kept(self) -> None:
        """Returns only if the link, once made, is kept no longer. Raises Failed."""
        if self._keeping is not None:
            await asyncio.shield(self._keeping)

    def _causes(self, spec: Spec) -> Causes:
        return Causes(spec, self._watcher.note, lambda: self.link, lambda: self.port)

    def _link(self, target: str) -> Link:
        """A link; to the relay it races, since what it carries loses nothing by that."""
        relayed = not self.why_plain
        return Link(
            *(self.spec.command, target, self._folder, self.causes.probe if relayed else self._port_probe),
            *(self._watcher, os.environ),
            race=relayed,
            pace=self._pace,
            logins=self._logins,
            revive=self.causes.revive if relayed else None,
        )

    async def _go_plain(self, why: str) -> None:
        """What waits for a link to the relay is dropped, so a page that was open asks anew. Raises Failed."""
        await self._near.close()
        await self.causes.close()
        self.why_plain = why
        self.causes = self._causes(replace(self.spec, relayed=False, target=self.spec.plain))
        self.link = self._link(self.spec.plain)
        self._near = Hold(self.link.dial, self.causes.doubt)
        await self.link.first()

    async def _see_server(self) -> None:
        """A server that is not there is not told from one that sshd lets no one reach, but it ran a moment ago."""
        assert self.link.carrier
        with suppress(OSError, asyncio.TimeoutError):
            path = self.link.carrier.path
            if await asyncio.wait_for(probes.server_answers(path, plain=self.spec.foreign == "http"), SUSPECT):
                return
        raise Failed(NEITHER.format(self.spec.plain or self.spec.target))

    async def login_page(self, warn: Callable[[str], None]) -> str:
        """A URL for the browser, behind which the user is logged in; `warn` is told if another asks for it.

        Raises NoLogin.
        """
        way = await asyncio.to_thread(handover.chosen, anyway=self.spec.login == "yes")
        text = once.by_token(self.url, self.spec.token) if self.spec.foreign else ""
        page = await handover.page(way, self.origin, text or await self.nonce(), warn, text)
        self._pages.append(page)
        asyncio.get_running_loop().call_later(browser.KEPT, page.remove)
        return page.url

    async def nonce(self) -> str:
        """A login that works once, also if the server has another certificate or token by now. Raises NoLogin."""
        try:
            return await self._ask()
        except once.NoLogin:
            try:
                self.spec = await self.causes.renewed(self.spec)
            except Failed as error:
                raise once.NoLogin(str(error)) from None
        return await self._ask()

    async def _ask(self) -> str:
        spec = self.spec
        ask = (self.port, spec.certificate, spec.token, spec.name)
        return await asyncio.to_thread(once.ask, *ask, client=spec.client)

    async def close(self) -> None:
        """Ends it; the server goes on."""
        if self._listener is not None:
            self._listener.close()
        if self._keeping is not None:
            await cancelled(self._keeping)
        await self.causes.close()
        await self._near.close()
        await self.link.close()
        for page in self._pages:
            page.remove()


class _TooMany(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.abort()


async def cancelled(task: asyncio.Future[Any]) -> None:
    """Cancels a task, and returns once it has ended: before Python 3.12, `wait_for` may swallow one that comes as what
    it waits for is done.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=1.0)
    if not task.cancelled():
        task.exception()  # which was to be expected, and is not to be reported as lost
