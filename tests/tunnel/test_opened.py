"""Opened, while the server behind it becomes another one: of another port, another certificate, another token."""

import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from machine import PASSWORD, Machine
from notebook_client import Notebook
from opened import plain_spec
from sshd import free_port

from nbfab.apply.again import programs
from nbfab.tunnel.carrier import Failed
from nbfab.tunnel.claim import start_of
from nbfab.tunnel.opened import Opened
from nbfab.tunnel.spec import Spec


class Log:
    """What is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def lost(self, why: str) -> None:
        self.lines.append(f"lost: {why}")

    def found(self, seconds: float, tries: int) -> None:
        self.lines.append("found")

    def tried(self, error: Failed) -> None:
        self.lines.append(str(error))

    def note(self, text: str, event: str = "note") -> None:
        self.lines.append(f"{event}: {text}")

    async def has(self, event: str) -> None:
        async with asyncio.timeout(90):
            while not any(line.startswith(event) for line in self.lines):
                await asyncio.sleep(0.02)


@pytest.fixture
def spec(there: Machine) -> Spec:
    """The link to a host where the server runs, without the relay."""
    there.ok("setup")
    return replace(plain_spec(there), programs=dict(programs("nbserver")))


@pytest.fixture
def folder() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="nbfab") as folder:  # the path of a socket has to be short
        yield folder


def play(spec: Spec, folder: str, story: Callable[[Opened, Log], Awaitable[None]]) -> Log:
    async def whole() -> None:
        opened = Opened(spec, log, folder)
        try:
            await opened.listen()
            await opened.connect()
            await story(opened, log)
        finally:
            await opened.close()

    log = Log()
    asyncio.run(whole())
    return log


def test_a_renewed_certificate_and_a_new_token_are_no_lost_link(spec: Spec, folder: str, there: Machine) -> None:
    async def story(opened: Opened, log: Log) -> None:
        await opened.nonce()
        await asyncio.to_thread(there.ok, "certificate", "--new-key")
        await asyncio.to_thread(there.ok, "stop")
        await asyncio.to_thread(there.ok, "start")
        assert "BEGIN PRIVATE KEY" in (there.folder / "nbserver.pem").read_text()
        await opened.nonce()
        assert opened.spec.certificate != spec.certificate
        assert "PRIVATE" not in opened.spec.certificate
        assert opened.spec.token != spec.token
        assert spec.token not in repr(opened.spec)

    log = play(spec, folder, story)
    assert log.lines == ["certificate: the server has a new certificate; pages that are open go on"]


def test_without_the_relay_a_server_at_another_port_is_found(spec: Spec, folder: str, there: Machine) -> None:
    async def story(opened: Opened, log: Log) -> None:
        def get() -> str:
            return str(Notebook(opened.port, there.folder, PASSWORD).get("/api")["version"])

        assert await asyncio.to_thread(get)
        await asyncio.to_thread(there.ok, "stop")
        with pytest.raises(OSError, match=r"EOF|reset"):
            await asyncio.to_thread(get)
        await log.has("stopped")
        await asyncio.to_thread(there.ok, "setup", f"--port={free_port()}")
        await log.has("started")
        assert await asyncio.to_thread(get)

    log = play(spec, folder, story)
    assert [line.partition(":")[0] for line in log.lines] == ["stopped", "started"]


def test_a_host_that_was_restarted_is_told(spec: Spec, folder: str, there: Machine) -> None:
    """Its word for that is made up, as it cannot be restarted here."""

    async def story(opened: Opened, log: Log) -> None:
        assert opened.link.carrier
        host = opened.causes.host
        host._since -= 100.0
        for said, socket in (("stopped", ""), ("stopped", ""), ("started /there/relay-1", "/there/relay-1")):
            host._programs, host._revived = {"relay": f"echo up 50; echo {said}"}, -100.0
            assert await host.revive(opened.link.carrier) == socket

    assert play(spec, folder, story).lines == [
        "restarted: the host was restarted, and what ran there has ended",
        "stopped: the notebook server there has ended; to start it: nbfab start",
    ]


def test_a_relay_that_does_not_start_again_is_told_once(spec: Spec, folder: str, there: Machine) -> None:
    async def story(opened: Opened, log: Log) -> None:
        assert opened.link.carrier
        (there.folder / "relay.sh").write_text("exit 1\n")
        (Path(there.folder) / "relay-1.started").unlink(missing_ok=True)
        for _ in range(2):
            assert await opened.causes.host.revive(opened.link.carrier) == ""

    log = play(spec, folder, story)
    (line,) = log.lines
    assert line.startswith("relay: nbfab's relay there had ended, and does not start again")
    assert line.endswith("; to open it anew: nbfab close && nbfab open")


def test_a_relay_is_not_started_while_another_run_is_at_work_there(spec: Spec, folder: str, there: Machine) -> None:
    """Which may be removing it."""
    lock = there.folder / "lock"

    async def story(opened: Opened, log: Log) -> None:
        assert opened.link.carrier
        (there.folder / "relay-1.started").unlink(missing_ok=True)
        (there.folder / "relay.sh").write_text("exit 1\n")
        lock.mkdir()
        (lock / "holder").write_text(f"{os.getpid()} {start_of(os.getpid())}\n")
        assert await opened.causes.host.revive(opened.link.carrier) == ""
        assert log.lines == []
        (lock / "holder").write_text(f"{os.getpid()} 1\n")  # of one that was cut
        assert await opened.causes.host.revive(opened.link.carrier) == ""
        assert "does not start again" in log.lines[0]

    play(spec, folder, story)


def test_a_host_that_nbfab_was_removed_from_is_told(spec: Spec, folder: str, there: Machine) -> None:
    async def story(opened: Opened, log: Log) -> None:
        assert opened.link.carrier
        await asyncio.to_thread(there.ok, "remove", "--yes")
        assert await opened.causes.host.revive(opened.link.carrier) == ""

    log = play(spec, folder, story)
    assert log.lines[-1].startswith("relay: nbfab's relay is not on the host any more; to open it anew: nbfab close")
