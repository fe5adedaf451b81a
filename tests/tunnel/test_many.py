"""More connections than this machine has room for, as another of its users may make them."""

import asyncio
import contextlib
import resource
from typing import Any

import pytest

from nbfab.tunnel import opened, run
from nbfab.tunnel.opened import Opened
from nbfab.tunnel.spec import Spec


@pytest.mark.parametrize("relayed", [True, False])
def test_connections_leave_room_for_what_is_to_carry_them(monkeypatch: pytest.MonkeyPatch, relayed: bool) -> None:
    async def story() -> None:
        it = Opened(Spec("box", "nbserver", ("ssh", "box"), "/relay", relayed=relayed, ports=(0,)), _Quiet(), "")
        await it.listen()
        here = ("127.0.0.1", it.port)
        held = [await asyncio.open_connection(*here) for _ in range(3)]
        reader, writer = await asyncio.open_connection(*here)
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 10) == b"", "refused"
        assert it._near.count == 3
        for _, each in [*held, (reader, writer)]:
            each.close()
        await it.close()

    monkeypatch.setattr(opened, "MOST", 3)
    asyncio.run(story())


class _Quiet:
    def lost(self, why: str) -> None: ...
    def found(self, seconds: float, tries: int) -> None: ...
    def tried(self, error: Any) -> None: ...
    def note(self, text: str, event: str = "note") -> None: ...


def test_few_files_are_not_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    limits: dict[int, Any] = {}
    monkeypatch.setattr(resource, "getrlimit", lambda which: (256, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", limits.__setitem__)
    monkeypatch.setattr(run.os, "dup2", lambda *_: None)
    run.guard()
    assert limits[resource.RLIMIT_NOFILE] == (run.FILES, resource.RLIM_INFINITY)
