"""A laptop that sleeps, and a link that falls silent as soon as it is there, without an sshd."""

import asyncio
import os
from typing import Any

import pytest

from nbfab.tunnel import link, logins
from nbfab.tunnel.carrier import Failed
from nbfab.tunnel.link import Link, Unanswered
from nbfab.tunnel.opened import MAY_NOT, SILENT, Opened
from nbfab.tunnel.spec import Spec


class Carrier:
    """One that is logged in."""

    path = ""

    def __init__(self, *_: Any) -> None:
        self.alive = True
        self.over = asyncio.Event()

    async def start(self, patience: float) -> None: ...

    async def end(self) -> None:
        self.over.set()

    async def ended(self) -> None:
        await self.over.wait()


class Log:
    def __init__(self) -> None:
        self.late = asyncio.Event()
        self.seconds = 0.0

    def lost(self, why: str) -> None: ...
    def tried(self, error: Failed) -> None: ...
    def note(self, text: str, event: str = "note") -> None: ...

    def found(self, seconds: float, tries: int) -> None:
        self.seconds = seconds
        self.late.set()


async def answers(path: str) -> None: ...


def test_the_time_that_a_laptop_sleeps_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    slept = 0.0

    async def story() -> float:
        nonlocal slept
        log = Log()
        it = Link(["ssh", "--", "box"], "", "", answers, log, os.environ)
        await it.first()
        keeping = asyncio.create_task(it.keep())
        await asyncio.sleep(0)
        slept = 7200.0
        assert it.carrier
        await it.carrier.end()
        await asyncio.wait_for(log.late.wait(), 20)
        keeping.cancel()
        await it.close()
        return log.seconds

    monkeypatch.setattr(link, "Carrier", Carrier)
    monkeypatch.setattr(link, "slept", lambda: slept)
    assert 7200 <= asyncio.run(story()) < 7260


def test_what_was_typed_is_forgotten_while_the_link_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        typed = {"Enter passphrase for key '/k': ": "secret"}
        known = logins.Logins(["ssh", "--", "box"], ["ssh", "--", "box"], typed)
        answered = known._shared.answers
        answered._clock = lambda: 1e12
        it = Link(["ssh", "--", "box"], "", "", answers, Log(), os.environ, logins=known)
        await it.first()
        keeping = asyncio.create_task(it.keep())
        async with asyncio.timeout(20):
            while answered:
                await asyncio.sleep(0.02)
        keeping.cancel()
        await it.close()

    monkeypatch.setattr(link, "Carrier", Carrier)
    asyncio.run(story())


@pytest.mark.parametrize(("hangs", "silent"), [(True, True), (False, False)])
def test_silence_is_told_from_a_refusal(monkeypatch: pytest.MonkeyPatch, hangs: bool, silent: bool) -> None:
    async def probe(path: str) -> None:
        await asyncio.sleep(60 if hangs else 0)
        raise ConnectionResetError

    async def story() -> None:
        with pytest.raises(Unanswered) as caught:
            await Link(["ssh", "--", "box"], "", "", probe, Log(), os.environ).first()
        assert caught.value.silent is silent

    monkeypatch.setattr(link, "Carrier", Carrier)
    monkeypatch.setattr(link, "FIRST", 0.1)
    asyncio.run(story())


@pytest.mark.parametrize(
    ("silences", "hangs_up", "why"), [(1, False, ""), (2, False, SILENT), (0, True, MAY_NOT), (1, True, MAY_NOT)]
)
def test_a_link_that_falls_silent_at_once_is_made_again(
    monkeypatch: pytest.MonkeyPatch, silences: int, hangs_up: bool, why: str
) -> None:
    """The plain forward, over which output can be lost, is for hosts that do not let the relay be reached."""
    left = silences

    async def first(self: Link) -> None:
        nonlocal left
        if self._target == "there:1":
            return
        if left:
            left -= 1
            raise Unanswered(silent=True)
        if hangs_up:
            raise Unanswered(silent=False)

    async def nothing(self: Any) -> None: ...

    async def story() -> str:
        spec = Spec("box", "nbserver", ("ssh", "box"), "/relay", relayed=True, ports=(), plain="there:1")
        opened = Opened(spec, Log(), "")
        await opened.connect()
        await opened.close()
        return opened.why_plain

    monkeypatch.setattr(Link, "first", first)
    monkeypatch.setattr(Link, "keep", nothing)
    monkeypatch.setattr(Opened, "_see_server", nothing)
    assert asyncio.run(story()) == why
