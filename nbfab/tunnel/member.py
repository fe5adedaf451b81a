"""Member: one profile of one host in a supervisor, from its first login to its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from nbfab.tunnel import claim, control, editors, once
from nbfab.tunnel.carrier import Failed
from nbfab.tunnel.claim import Claim, Running
from nbfab.tunnel.link import EAGER, Pace
from nbfab.tunnel.opened import Opened, cancelled
from nbfab.tunnel.spec import Spec
from nbfab.tunnel.telling import Telling

FOUND = ("certificate", "login", "name", "token")  # what a second process has found out, or been told
OTHER = 90.0  # seconds for another process, which may be logging in, to open the page
SLOW = 2.0  # seconds until a first login is told to take long
ANSWER = 10.0  # seconds for the server to answer


class Told(Protocol):
    """What `Show` tells."""

    def up(self, url: str, notes: tuple[str, ...]) -> None:
        """As `Telling.up`."""

    def note(self, text: str) -> None:
        """As `Telling.note`."""


Show = Callable[[Opened, Told], Awaitable[None]]
"""Logs the user in, if that is wanted, and starts the browser, or at least says where to go."""


class Member:
    """Its link is `connecting`, `up`, `down` or `ended`, and has been so since `changed`, in seconds since 1970."""

    def __init__(self, spec: Spec, telling: Telling, folder: str, show: Show, pace: Pace = EAGER) -> None:
        self.link = "connecting"
        self.changed = self.since = time.time()
        self.telling = telling
        self.opened = Opened(spec, self, folder, pace)
        self._folder, self._show = folder, show
        self.shown = asyncio.Event()  # or it has ended
        self._ended, self._settled = asyncio.Event(), asyncio.Event()
        self._claim: Claim | None = None
        self._control: asyncio.AbstractServer | None = None
        self._published = f"{spec.published}-{spec.whose.name[-12:]}" if spec.published else ""
        self._why = ""

    @property
    def spec(self) -> Spec:
        """What it is for."""
        return self.opened.spec

    def end(self) -> None:
        """Has it end; the server goes on."""
        self._ended.set()

    async def run(self) -> int:
        """Carries until it is told to end; the exit status: 1 if there is no link, 4 if that takes a person."""
        status = 0
        try:
            os.mkdir(self._folder, 0o700)
            await (self._carry() if await self._is_ours() else self._by_other())
        except Failed as error:
            status = error.ends_with
            self._why = f"not connected: {error}"
        except OSError as error:
            status = 1
            self._why = f"not opened: {error}"
        finally:
            await self._close()
        if status:
            self.telling.failed(self._why, status)
        return status

    async def _carry(self) -> None:
        """Until it is told to end. Raises Failed and OSError."""
        self.telling.add(*await self.opened.listen())
        await self._tell_others()
        slow = asyncio.get_running_loop().call_later(SLOW, self._still_connecting)
        try:
            if not await self._unless_ended(self.opened.connect()):
                return
        finally:
            slow.cancel()
        self._is("up")
        self._settled.set()
        if await self._unless_ended(self._show(self.opened, self.telling)):
            self.shown.set()
            await self._unless_ended(self.opened.kept())

    def _still_connecting(self) -> None:
        if not self.opened.asking:  # nothing is to stand in the line where a person types
            self.telling.still_connecting()

    def lost(self, why: str) -> None:
        """As `link.Watcher.lost`."""
        self._is("down")
        self.telling.lost(why)

    def found(self, seconds: float, tries: int) -> None:
        """As `link.Watcher.found`."""
        self._is("up")
        self.telling.found(seconds, tries)

    def tried(self, error: Failed) -> None:
        """As `link.Watcher.tried`."""
        self.telling.tried(error)

    def note(self, text: str, event: str = "note") -> None:
        """As `link.Watcher.note`."""
        self.telling.note(text, event)

    async def _unless_ended(self, work: Any) -> bool:
        """Whether that is done before all is to end; if not, it is cancelled. Raises what it raises."""
        task, ended = asyncio.ensure_future(work), asyncio.ensure_future(self._ended.wait())
        await asyncio.wait({task, ended}, return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        if not task.done():
            await cancelled(task)
            return False
        task.result()
        return True

    def _is(self, link: str) -> None:
        self.link, self.changed = link, time.time()
        if self._published:
            with contextlib.suppress(OSError):
                if link == "up" and self.opened.link.carrier is not None:
                    new = f"{self._published}.new"
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(new)
                    os.symlink(self.opened.link.carrier.control, new)
                    os.replace(new, self._published)
                else:  # so that no task waits for it
                    os.unlink(self._published)

    async def _is_ours(self) -> bool:
        """Whether no other process has it open."""
        if self.spec.state:
            try:
                known = self.spec.state, self.spec.whose
                if self.spec.claim >= 0:
                    self._claim = Claim.adopt(*known, self.spec.claim)
                else:
                    self._claim = await asyncio.to_thread(Claim.take, *known)
            except OSError as error:
                self.telling.add(f"a second `open` will not know of this one: {error}")
                return True
        return not self.spec.state or self._claim is not None

    async def _by_other(self) -> None:
        """Has the other process open the page. Raises Failed."""
        spec = self.spec
        running = await asyncio.to_thread(claim.find, spec.state, spec.whose)
        if running is None:
            raise Failed("another process has it open, but does not say where; try again")
        known = {key: getattr(spec, key) for key in (*FOUND, "browser", "target")}
        try:
            said = await asyncio.to_thread(control.ask, running.control, {"do": "open", **known}, OTHER)
        except control.Unanswered as error:
            raise Failed(f"process {running.pid} has it open, but does not answer: {error}") from None
        if said.get("error"):
            raise Failed(str(said["error"]))
        url = str(said.get("url", running.url))
        self.telling.was_up(url, tuple(map(str, said.get("notes", ()))))
        if spec.editor:
            self.telling.lines(editors.lines(spec, url.rstrip("/"), secret=self.telling.on_terminal))

    async def _tell_others(self) -> None:
        """Lets others find this one. Without a record it carries as well."""
        path = os.path.join(self._folder, "c")
        self._control = await control.serve(path, self._answer)
        if self._claim is not None:
            host, profile, way = self.spec.host, self.spec.profile, self.spec.way
            url, folder = self.opened.url, os.path.dirname(self._folder)
            running = Running(host, profile, way, os.getpid(), self.since, url, path, folder, self._published)
            try:
                self._claim.write(running)
            except OSError as error:
                self.telling.add(f"a second `open` will not know of this one: {error}")

    async def _answer(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """What another process gets; see `control.py`."""
        if request.get("do") == "close":
            self.end()
        elif request.get("do") == "open":
            return await self._open(request)
        return {"link": self.link, "changed": self.changed}

    async def _open(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Opens the page once more, with what the other process has found out about the server, if it has."""
        await self._settled.wait()
        if self.link == "ended":
            return {"error": self._why or "it was closed meanwhile"}
        if request.get("target", self.spec.target) != self.spec.target:
            return {
                "error": f"it is open to {self.spec.target} there, but that has changed: close it, and open it again"
            }
        found: dict[str, Any] = {key: str(request[key]) for key in FOUND if key in request}
        self.opened.spec = replace(self.spec, **found)
        if self.link == "down":
            stamp = time.strftime("%H:%M:%S", time.localtime(self.changed))
            return {"link": "down", "notes": [f"its connection is down since {stamp}; it is being tried again"]}
        if request.get("check") and not await self._serves():
            return {"link": "up", "server": False}
        self.opened.spec = replace(self.spec, browser=request.get("browser") is True)
        said = _Said(self.telling.note)
        await self._show(self.opened, said)
        return {"link": "up", "server": True, "notes": list(said.notes), "url": self.opened.url}

    async def _serves(self) -> bool:
        """Whether the server is there, and lets the user in by the token that is known."""
        if not self.spec.token or self.spec.foreign:
            return True
        try:
            asked = asyncio.to_thread(
                once.ask,
                *(self.opened.port, self.spec.certificate, self.spec.token, self.spec.name),
                client=self.spec.client,
            )
            await asyncio.wait_for(asked, ANSWER)
        except (once.NoLogin, TimeoutError):
            return False
        return True

    async def _close(self) -> None:
        self._is("ended")
        self._settled.set()
        if self._control is not None:
            self._control.close()
        await self.opened.close()
        if self._claim is not None:
            self._claim.release()
        self.shown.set()


class _Said:
    """What another process is to tell its user. What comes up later is told by `note`."""

    def __init__(self, note: Callable[[str], None]) -> None:
        self._note = note
        self.notes: tuple[str, ...] = ()

    def up(self, url: str, notes: tuple[str, ...]) -> None:
        """As `Telling.up`."""
        self.notes = notes

    def note(self, text: str) -> None:
        """As `Telling.note`."""
        self._note(text)
