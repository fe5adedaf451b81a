"""Kept: a host of a fleet, whose link is made and kept without any regard to the others."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from urllib.parse import urlsplit

from nbfab.text import one_line
from nbfab.tunnel import once
from nbfab.tunnel.carrier import Failed, NeedsPerson
from nbfab.tunnel.found import Found
from nbfab.tunnel.link import Pace
from nbfab.tunnel.member import Member, Show
from nbfab.tunnel.row import Row, State
from nbfab.tunnel.spec import Spec
from nbfab.tunnel.telling import Telling

FIRST, LONGEST = 2.0, 60.0  # seconds between the first two tries of a link that was never up, and between any two
ELSEWHERE = 30.0  # seconds between two looks at whether another process still has it open
LINK = ("command", "target", "relayed", "name", "way", "published")  # what a link is made of
PERSON = 4  # the exit status of a member that it takes a person to log in to
MOST = 5  # notes on a host; older ones go
_WORDS = {"ended": "the connection was cut", "silent": "the connection does not answer"}


class Kept:
    """A host: its `row`, and its link from when there is a spec of it. `tell` gets the row whenever that has changed.

    `folder` is one that no one else can enter, and `show` what another process may ask for; the `pace` is that of all
    hosts. `known` is set once it is known what has become of the first try.
    """

    def __init__(self, found: Found, folder: str, pace: Pace, show: Show, tell: Callable[[Row], None]) -> None:
        self.row = Row(found.host, found.profile)
        self.known = asyncio.Event()
        self._folder, self._pace, self._show, self._tell = folder, pace, show, tell
        self._numbers = itertools.count()
        self._spec: Spec | None = None
        self._member: Member | None = None
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
        spec, old = found.spec, self._spec
        if spec is None:
            self.becomes(found.state, found.words, found.fix)
            return
        self.row.notes, self._spec = found.notes, spec
        if self.is_linked and old and _same(spec, old):
            if self._member is not None:
                now = self._member.opened
                now.spec = replace(now.spec, token=spec.token, certificate=spec.certificate)
                if now.link.up.is_set():
                    self.becomes("up")
            self._hurry.set()
        else:
            self.becomes("connecting")
            self._task = asyncio.get_running_loop().create_task(self._keep(spec, self._task))

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
        spec = self._spec
        if spec is None or not self.row.url or self.row.state != "up":
            raise once.NoLogin(self.row.words or "there is no connection to it")
        if not spec.token:
            raise once.NoLogin("the host has not told how")
        origin = self.row.url.rstrip("/")
        if self._member is not None:
            return origin, await self._member.opened.nonce()
        ask = (urlsplit(origin).port or 0, spec.certificate, spec.token, spec.name)
        nonce = await asyncio.to_thread(once.ask, *ask, client=spec.client)
        return origin, nonce

    async def settled(self, seconds: float) -> None:
        """Waits for a link that is being made, such as one that was cut a moment ago, but no longer than that."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.row.state == "connecting":
                    await asyncio.sleep(0.1)

    async def close(self) -> None:
        """Ends the link; the server goes on."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def becomes(self, state: State, words: str = "", fix: tuple[str, ...] = ()) -> None:
        """The row has that state from now on."""
        if self.row.becomes(state, words, fix):
            self._tell(self.row)
        if state != "connecting":
            self.known.set()

    async def _keep(self, spec: Spec, before: asyncio.Task[None] | None) -> None:
        """Tries until there is a link; a login that takes a person is tried again only when one asks for it."""
        if before is not None:
            before.cancel()
            await asyncio.gather(before, return_exceptions=True)
        wait = 0.0
        while True:
            self._hurry.clear()
            told = _Told(self, self._spec or spec)
            place = f"{self._folder}-{next(self._numbers)}"
            member = self._member = Member(self._spec or spec, told, place, self._show, self._pace)
            status = await _in_order(member)
            self._member = None
            if not (status or told.elsewhere):
                self.becomes("down", "it was closed here, by another nbfab")
            wait = min(2 * (wait or FIRST / 2), LONGEST)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait if status == 1 else ELSEWHERE if told.elsewhere else None):
                    await self._hurry.wait()


async def _in_order(member: Member) -> int:
    """The exit status of a member, which ends in order if this is cancelled."""
    running = asyncio.ensure_future(member.run())
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        member.end()
        await asyncio.gather(running, return_exceptions=True)
        raise


class _Told(Telling):
    """What a link tells becomes the row's."""

    def __init__(self, host: Kept, spec: Spec) -> None:
        super().__init__(spec)
        self._host = host
        self.elsewhere = False

    def add(self, *notes: str) -> None:
        """As `Telling.add`."""
        row = self._host.row
        row.notes = (*row.notes, *(note for note in notes if note not in row.notes))[-MOST:]

    def up(self, url: str, notes: tuple[str, ...]) -> None:
        """As `Telling.up`."""
        self._host.row.url = url
        self.add(*notes)
        self._host.becomes("up")

    def was_up(self, url: str, notes: tuple[str, ...]) -> None:
        """As `Telling.was_up`."""
        self.elsewhere = True
        self.up(url, ("another nbfab has it open", *notes))

    def still_connecting(self) -> None:
        """As `Telling.still_connecting`; the row says so."""

    def failed(self, words: str, status: int) -> None:
        """As `Telling.failed`."""
        self._host.row.url = ""
        self._host.becomes("a person is needed" if status == PERSON else "down", _last(words))

    def lost(self, why: str) -> None:
        """As `link.Watcher.lost`."""
        self._host.becomes("down", _WORDS.get(why, why))

    def found(self, seconds: float, tries: int) -> None:
        """As `link.Watcher.found`."""
        self._host.becomes("up")

    def tried(self, error: Failed) -> None:
        """As `link.Watcher.tried`."""
        state: State = "a person is needed" if isinstance(error, NeedsPerson) else "down"
        self._host.becomes(state, _last(str(error)))

    def note(self, text: str, event: str = "note") -> None:
        """As `Telling.note`; what is told of the server is a state of the host."""
        if event in ("stopped", "started"):
            self._host.becomes("server stopped" if event == "stopped" else "up", text if event == "stopped" else "")
        else:
            self.add(text)


def _last(words: str) -> str:
    """The last line that ssh has printed, which says why."""
    said = words.removeprefix("not connected: ").strip()
    return one_line(said.splitlines()[-1]) if said else "ssh has ended without a word"


def _same(spec: Spec, other: Spec) -> bool:
    """Whether a link for one does for the other, too."""
    return all(getattr(spec, name) == getattr(other, name) for name in LINK)
