"""Kept: a host of a fleet, whose link is made and kept without any regard to the others."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from nbfab.text import one_line
from nbfab.tunnel import once
from nbfab.tunnel.carrier import Failed, NeedsPerson
from nbfab.tunnel.found import Found
from nbfab.tunnel.link import Pace
from nbfab.tunnel.opened import Opened
from nbfab.tunnel.row import Row, State
from nbfab.tunnel.spec import Spec

FIRST, LONGEST = 2.0, 60.0  # seconds between the first two tries of a link that was never up, and between any two
_WORDS = {"ended": "the connection was cut", "silent": "the connection does not answer"}


class Kept:
    """A host: its `row`, and its link from when there is a spec of it. `tell` gets the row whenever that has changed.

    `folder` is one that no one else can enter; the `pace` is that of all hosts. `known` is set once it is known what
    has become of the first try.
    """

    def __init__(self, found: Found, folder: str, pace: Pace, tell: Callable[[Row], None]) -> None:
        self.row = Row(found.host, found.profile)
        self.known = asyncio.Event()
        self._folder, self._pace, self._tell = folder, pace, tell
        self._opened: Opened | None = None
        self._task: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()
        self._before: tuple[State, str, tuple[str, ...]] | None = None
        self.takes(found)

    @property
    def is_linked(self) -> bool:
        """Whether there is a link to it, up or not."""
        return self._task is not None and not self._task.done()

    def takes(self, found: Found) -> None:
        """Takes what a look has found: makes the link, or lets one that is there go on with what is new."""
        self._before = None
        self.row.notes = found.notes
        spec, opened = found.spec, self._opened
        if spec is None:
            self._becomes(found.state, found.words, found.fix)
        elif opened and self.is_linked and _same(spec, opened.spec):
            opened.spec = replace(spec, ports=opened.spec.ports)
            if opened.link.up.is_set():
                self._becomes("up")
            self._hurry.set()
        else:
            ports = (opened.port, *spec.ports) if opened else spec.ports
            self._becomes("connecting")
            self._task = asyncio.get_running_loop().create_task(self._keep(replace(spec, ports=ports), self._task))

    def is_asked_about(self) -> None:
        """A person wants to know about it now: a link that waits is tried at once."""
        self._hurry.set()
        self._before = (self.row.state, self.row.words, self.row.fix)
        self.row.becomes("connecting", "looking")

    def is_looked_at(self) -> None:
        """All is known that a look finds out; it may have found out nothing."""
        if self._before and self.row.state == "connecting":
            self.row.becomes(*self._before)
        self._before = None

    async def login(self) -> tuple[str, str]:
        """Where its server is, and a login for the browser there. Raises NoLogin."""
        opened = self._opened
        if opened is None or not opened.link.up.is_set():
            raise once.NoLogin(self.row.words or "there is no connection to it")
        spec = opened.spec
        if not spec.token:
            raise once.NoLogin("the host has not told how")
        return opened.origin, await asyncio.to_thread(once.ask, opened.port, spec.certificate, spec.token)

    async def close(self) -> None:
        """Ends the link; the server goes on."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def lost(self, why: str) -> None:
        """As `link.Watcher.lost`."""
        self._becomes("down", _WORDS.get(why, why))

    def found(self, seconds: float, tries: int) -> None:
        """As `link.Watcher.found`."""
        self._becomes("up")

    def tried(self, error: Failed) -> None:
        """As `link.Watcher.tried`."""
        last = one_line(str(error).splitlines()[-1]) if str(error) else "ssh has ended without a word"
        self._becomes("a person is needed" if isinstance(error, NeedsPerson) else "down", last)

    async def _keep(self, spec: Spec, before: asyncio.Task[None] | None) -> None:
        """The link, from its first try to its end."""
        if before is not None:
            before.cancel()
            await asyncio.gather(before, return_exceptions=True)
        folder = tempfile.mkdtemp(prefix="", dir=self._folder)
        opened = self._opened = Opened(spec, self, folder, self._pace)
        try:
            await opened.listen()
            self.row.url = f"{opened.origin}/"
            await self._connect(opened)
            self._becomes("up")
            await opened.kept()
        except OSError as error:
            self._becomes("failed", f"there is no port for it here: {error}")
        except Exception as error:  # a bug must not cost the other hosts their links
            self._becomes("failed", f"a fault in nbfab: {error!r}")
        finally:
            await opened.close()

    async def _connect(self, opened: Opened) -> None:
        """Tries until there is a link; a login that takes a person is tried again only when one asks for it."""
        wait = FIRST
        while True:
            self._hurry.clear()
            try:
                return await opened.connect()
            except Failed as error:
                self.tried(error)
            with suppress(TimeoutError):
                async with asyncio.timeout(None if self.row.state == "a person is needed" else wait):
                    await self._hurry.wait()
            wait = min(2 * wait, LONGEST)

    def _becomes(self, state: State, words: str = "", fix: tuple[str, ...] = ()) -> None:
        if self.row.becomes(state, words, fix):
            self._tell(self.row)
        if state != "connecting":
            self.known.set()


def _same(spec: Spec, other: Spec) -> bool:
    """Whether a link for one does for the other, too."""
    return (spec.command, spec.target, spec.relayed, spec.name) == (
        other.command,
        other.target,
        other.relayed,
        other.name,
    )
