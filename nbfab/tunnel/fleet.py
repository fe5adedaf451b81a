"""Fleet: many hosts, each with a link of its own, and the page that shows and opens them."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable, Mapping

from nbfab.tunnel import board, looker, once
from nbfab.tunnel.found import FleetSpec
from nbfab.tunnel.kept import Kept
from nbfab.tunnel.link import Pace
from nbfab.tunnel.member import Show
from nbfab.tunnel.row import Row
from nbfab.tunnel.web import Answer, Request, Web

LOGINS = 16  # at a time, of all hosts
SLOWEST = 15.0  # seconds between two tries of a link that was up
FIRST, LONGEST = 5.0, 120.0  # seconds between two looks at hosts that were not reached
SETTLED = 10.0  # seconds that a login waits for a link that is being made


class Fleet:
    """Keeps the links of hosts; `tell` gets each row that has changed. `folder` is one that no one else can enter, and
    `show` opens one of them where another process asks for that.
    """

    def __init__(self, spec: FleetSpec, folder: str, show: Show, tell: Callable[[Row], None]) -> None:
        pace = Pace(SLOWEST, asyncio.Semaphore(LOGINS))
        self.web = Web(self._answer)
        self._spec, self._token = spec, secrets.token_urlsafe(24)
        self._hosts = [
            Kept(found, os.path.join(folder, str(number)), pace, show, tell) for number, found in enumerate(spec.hosts)
        ]
        self._by_name = {host.row.host: host for host in self._hosts}
        self._asked = asyncio.Event()
        self._todo: set[str] = set()

    @property
    def rows(self) -> list[Row]:
        """The hosts, as they are now."""
        return [host.row for host in self._hosts]

    async def known(self, seconds: float) -> None:
        """Waits until the first try of each link has ended, but no longer than that."""
        waiting = [asyncio.ensure_future(host.known.wait()) for host in self._hosts]
        if waiting:
            await asyncio.wait(waiting, timeout=seconds)
        for task in waiting:
            task.cancel()

    async def look(self) -> None:
        """Looks again, for good: at hosts that were not reached, ever less often, and at once at those that a person
        asks about. A host that someone has to set up, start or log in to is left alone until then.
        """
        wait = FIRST
        while True:
            try:
                async with asyncio.timeout(wait):
                    await self._asked.wait()
            except TimeoutError:
                self._todo |= {host.row.host for host in self._hosts if not host.is_linked and host.row.state == "down"}
            self._asked.clear()
            names, self._todo = self._todo, set()
            wait = FIRST if await self._look(names) else min(2 * wait, LONGEST)

    async def close(self) -> None:
        """Ends the page and all links; the servers go on."""
        await self.web.close()
        await asyncio.gather(*(host.close() for host in self._hosts))

    async def _look(self, names: set[str]) -> bool:
        """Looks at hosts; whether a link to one of them is new."""
        new = False
        if names and self._spec.look:
            async for found in looker.look(self._spec.look, sorted(names), self._spec.env):
                if host := self._by_name.get(found.host):
                    new = new or (found.spec is not None and not host.is_linked)
                    host.takes(found)
        for name in names:
            self._by_name[name].is_looked_at()
        return new

    async def _answer(self, request: Request) -> Answer:
        """What the page's owner gets."""
        if request.method == "GET":
            if request.path == "":
                return board.page(self.rows, self._token)
            if request.path == "state":
                return board.state(self.rows, self._token)
            return Answer("there is no such page\n", 404, "text/plain")
        if request.path not in ("open", "look"):
            return Answer("this page takes no forms\n", 405, "text/plain")
        host = self._host(request.form)
        if host is None:
            return Answer("this form is of another page\n", 403, "text/plain")
        if request.path == "open":
            return await self._open(host)
        host.is_asked_about()
        self._todo.add(host.row.host)
        self._asked.set()
        return Answer("", 303, location="./")

    def _host(self, form: Mapping[str, str]) -> Kept | None:
        """The host that a form of ours is about."""
        number = form.get("row", "")
        if not secrets.compare_digest(form.get("token", "").encode(), self._token.encode()):
            return None
        if not (number.isascii() and number.isdigit() and len(number) < 6 and int(number) < len(self._hosts)):
            return None
        return self._hosts[int(number)]

    async def _open(self, host: Kept) -> Answer:
        """A page that logs the browser in; if the server was restarted, with what it says now."""
        try:
            return board.login(host.row, *await host.login())
        except once.NoLogin:
            await self._look({host.row.host})
            await host.settled(SETTLED)
        try:
            return board.login(host.row, *await host.login())
        except once.NoLogin as error:
            return board.sorry(host.row, f"You are not logged in: {host.row.words or error}")
