"""The link: what carries now, watched; while that is in doubt, others are tried beside it."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import field
from typing import Any, Protocol

from nbfab.records import dataclass
from nbfab.relay.greeting import NoFarEnd
from nbfab.tunnel.answers import slept
from nbfab.tunnel.carrier import Carrier, Failed
from nbfab.tunnel.logins import Logins

EVERY = 1.0  # seconds between two probes, and between two tries
SUSPECT = 2.0  # seconds for the answer to a probe
FIRST = 3.0  # seconds for that of a new carrier
MOST = 3  # carriers that are tried at a time
PATIENCE = 10.0  # seconds for TCP, until it is known how long this takes
WHOLE = 60.0  # seconds for all of a login
REVIVAL = 20.0  # seconds to start what should answer
ANSWERED, REFUSED, SILENT = "answered", "refused", "silent"  # what a probe finds out

Probe = Callable[[str], Awaitable[object]]
"""Asks through a socket whether anyone is there at the other end. Raises OSError."""


@dataclass(frozen=True)
class Pace:
    """How eagerly new carriers are tried: inside of `gate`, which many links may share, and after the first ones ever
    later, but no more than `longest` seconds apart.
    """

    longest: float = EVERY
    gate: AbstractAsyncContextManager[Any] = field(default_factory=nullcontext)


EAGER = Pace()


class Unanswered(Failed):
    """It is logged in, but what it should reach there does not answer: it is `silent`, or else hangs up."""

    def __init__(self, *, silent: bool) -> None:
        super().__init__("logged in, but the other end of the link does not answer")
        self.silent = silent


class Watcher(Protocol):
    """Follows what becomes of the link."""

    def lost(self, why: str) -> None:
        """Nothing carries any more, it seems."""

    def found(self, seconds: float, tries: int) -> None:
        """It carries again, after that long."""

    def tried(self, error: Failed) -> None:
        """A try has failed."""

    def note(self, text: str, event: str = "note") -> None:
        """Anything else."""


class Link:
    """Keeps a carrier that answers.

    A stall that passes costs nothing, since the old carrier may answer first; and an address that is gone does not cost
    the wait until ssh gives it up. Where streams do not outlive a link, it does not `race`: the old one may recover.
    """

    def __init__(
        self,
        command: Sequence[str],
        target: str,
        folder: str,
        probe: Probe,
        watcher: Watcher,
        env: Mapping[str, str],
        *,
        race: bool = True,
        pace: Pace = EAGER,
        logins: Logins | None = None,
        revive: Callable[[Carrier], Awaitable[str]] | None = None,
    ) -> None:
        self.up, self._known, self._refuses = asyncio.Event(), asyncio.Event(), False
        self.carrier: Carrier | None = None
        self._target, self._folder, self._env = target, folder, env
        self._logins = logins or Logins(command)
        self._revive = revive  # gets what should answer there to run again; the target then
        self._probe, self._watcher, self._race, self._pace = probe, watcher, race, pace
        self._number = itertools.count(1)
        self._patience = PATIENCE
        self._slept = slept()  # when it answered last
        self._ending: set[asyncio.Task[None]] = set()

    async def dial(self, factory: Callable[[], asyncio.Protocol]) -> tuple[asyncio.BaseTransport, asyncio.Protocol]:
        """Connects to the target, once there is a carrier. Raises NoFarEnd if that is known not to run, OSError."""
        await self._known.wait()
        if self._refuses:
            raise NoFarEnd
        assert self.carrier
        return await asyncio.get_running_loop().create_unix_connection(factory, self.carrier.path)

    async def first(self) -> None:
        """Makes the first carrier. Raises Failed."""
        self.carrier = None
        while self.carrier is None:
            began = time.monotonic()
            try:
                self.carrier = await self._in_turn()
            except Failed:
                if not self._logins.again:
                    raise
        self._patience = min(PATIENCE, max(SUSPECT, 4 * (time.monotonic() - began)))
        self._is(up=True)

    async def keep(self) -> None:
        """Keeps it up for good, after `first`."""
        while True:
            why = await self._doubt()
            self._is(up=False)
            self._watcher.lost(why)
            began = time.monotonic()
            tries = await self._renew()
            self._logins.settle()
            self._is(up=True)
            self._watcher.found(time.monotonic() - began + max(0.0, slept() - self._slept), tries)

    def _is(self, *, up: bool, refuses: bool = False) -> None:
        """It carries or not; if not, `refuses` is whether it is known that nothing is there to connect to."""
        (self.up.set if up else self.up.clear)()
        self._refuses = refuses
        (self._known.set if up or refuses else self._known.clear)()

    async def close(self) -> None:
        """Ends what carries."""
        self._is(up=False)
        await self._logins.close()
        if self.carrier is not None:
            await self.carrier.end()
        await asyncio.gather(*self._ending, return_exceptions=True)

    async def _doubt(self) -> str:
        """Returns once the carrier does not answer, and why that is."""
        assert self.carrier
        ended = asyncio.ensure_future(self.carrier.ended())
        try:
            while True:
                self._slept = slept()
                self._logins.expire()
                await asyncio.wait({ended}, timeout=EVERY)
                if ended.done():
                    return "ended"
                said = await self._ask(self.carrier, SUSPECT)
                if said == REFUSED and self._revive is not None:
                    said = await self._wait_for_target(self.carrier, ended)
                if said != ANSWERED:
                    return "ended" if ended.done() else "silent"
        finally:
            ended.cancel()

    async def _wait_for_target(self, carrier: Carrier, ended: asyncio.Future[None]) -> str:
        """What is said once the target refuses no more: it is started again, which takes no new carrier."""
        self._is(up=False)
        said = REFUSED
        while said == REFUSED:
            with suppress(Failed, TimeoutError):
                if await asyncio.wait_for(self._answers_again(carrier), REVIVAL):
                    self._is(up=True)
                    return ANSWERED
            self._is(up=False, refuses=True)
            await asyncio.wait({ended}, timeout=EVERY)
            said = "" if ended.done() else await self._ask(carrier, SUSPECT)
        if said == ANSWERED:
            self._is(up=True)
        return said

    async def _renew(self) -> int:
        """Returns once something carries: the old carrier after all, or the first of new ones; after how many tries."""
        tries, gap, due = 0, EVERY, 0.0
        racing: set[asyncio.Future[Carrier]] = set()
        try:
            while True:
                self._logins.expire()
                old = self.carrier if self.carrier is not None and self.carrier.alive else None
                may = len(racing) < MOST and (self._race or old is None) and time.monotonic() >= due
                if may and self._logins.free():
                    racing.add(asyncio.ensure_future(self._in_turn()))
                    tries += 1
                    gap = min(gap * 1.2, self._pace.longest) if tries > MOST else EVERY
                    due = time.monotonic() + gap - EVERY / 2  # a round takes no less than EVERY, but for its delay
                if await self._round(old, racing):
                    return tries
        finally:
            for attempt in racing:
                attempt.cancel()
            for late in await asyncio.gather(*racing, return_exceptions=True):
                if isinstance(late, Carrier):  # it came second
                    self._leave(late)

    async def _round(self, old: Carrier | None, racing: set[asyncio.Future[Carrier]]) -> bool:
        """Waits for a second for what carries; whether something does."""
        end = time.monotonic() + EVERY
        asked = asyncio.ensure_future(self._answers(old, EVERY)) if old else None
        try:
            while (rest := end - time.monotonic()) > 0:
                waiting: set[asyncio.Future[Any]] = {*racing, *([asked] if asked and not asked.done() else [])}
                if not waiting:
                    await asyncio.sleep(rest)
                    return False
                done, _ = await asyncio.wait(waiting, timeout=rest, return_when=asyncio.FIRST_COMPLETED)
                if asked in done and asked and asked.result():
                    return True
                for attempt in [each for each in racing if each in done]:
                    racing.discard(attempt)
                    error = attempt.exception()
                    if error is None:
                        before, self.carrier = self.carrier, attempt.result()
                        if before is not None:
                            self._leave(before)
                        return True
                    if not isinstance(error, Failed):
                        raise error
                    self._watcher.tried(error)
            return False
        finally:
            if asked:
                asked.cancel()

    async def _in_turn(self) -> Carrier:
        """As `_try`, when it is this link's turn."""
        async with self._pace.gate:
            return await self._try()

    async def _try(self) -> Carrier:
        """A new carrier that answers. Raises Failed."""
        login = self._logins.begin()
        folder = os.path.join(self._folder, str(next(self._number)))
        carrier = Carrier(login.command, self._target, folder, self._env, login)
        try:
            async with asyncio.timeout(WHOLE) as limit:
                login.extend = lambda seconds: limit.reschedule(asyncio.get_running_loop().time() + seconds)
                await carrier.start(self._patience)
            said = await self._ask(carrier, FIRST)
            # What refuses is waited for by `keep`, which needs no other carrier.
            goes_on = said == REFUSED and self._revive is not None and self.carrier is not None
            if said != ANSWERED and not goes_on:
                raise Unanswered(silent=said == SILENT)
            self._logins.succeeded(login)
            await login.close()
        except (TimeoutError, Failed) as error:
            await carrier.end()
            failed = error if isinstance(error, Failed) else Failed("no login in time")
            self._logins.failed(login, failed)
            raise failed from None
        except BaseException:
            await carrier.end()
            raise
        return carrier

    async def _answers_again(self, carrier: Carrier) -> bool:
        """Whether the target, which has answered before, does so once it was got to run again. Raises Failed."""
        if self._revive is None or self.carrier is None or not (target := await self._revive(carrier)):
            return False
        if target != self._target:
            await carrier.move(target)
            self._target = target
        return await self._answers(carrier, FIRST)

    async def move(self, target: str) -> None:
        """Connects to another target from now on. Raises Failed."""
        if self.carrier is not None:
            await self.carrier.move(target)
        self._target = target

    async def works(self) -> bool:
        """Whether it carries right now."""
        carrier = self.carrier
        return carrier is not None and carrier.alive and self.up.is_set() and await self._answers(carrier, SUSPECT)

    async def _answers(self, carrier: Carrier, seconds: float) -> bool:
        return await self._ask(carrier, seconds) == ANSWERED

    async def _ask(self, carrier: Carrier, seconds: float) -> str:
        """ANSWERED or SILENT; REFUSED, if the host answers that nothing is there, or if the carrier has just ended."""
        try:
            await asyncio.wait_for(self._probe(carrier.path), seconds)
        except TimeoutError:
            return SILENT
        except OSError:
            return REFUSED
        return ANSWERED

    def _leave(self, carrier: Carrier) -> None:
        task = asyncio.get_running_loop().create_task(carrier.end())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
