"""The link over a real sshd, cut in the ways in which links are cut; the relay at both ends of it."""

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from processes import descendants
from relay import RELAY
from sshd import Sshd

from nbfab.relay.far import Far
from nbfab.relay.greeting import probe
from nbfab.relay.near import Near
from nbfab.tunnel import link
from nbfab.tunnel.carrier import Failed
from nbfab.tunnel.link import Link

BOUND = 60  # seconds for a story


class Log:
    """What the link tells."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.errors: list[str] = []

    def lost(self, why: str) -> None:
        self.lines.append(f"lost: {why}")

    def found(self, seconds: float, tries: int) -> None:
        assert seconds >= 0
        assert tries >= 0
        self.lines.append("found")

    def tried(self, error: Failed) -> None:
        self.errors.append(str(error))

    def note(self, text: str, event: str = "note") -> None:
        self.lines.append(text)


def answers(path: str) -> Awaitable[int]:
    """The probe of a relay."""
    loop = asyncio.get_running_loop()
    return probe(lambda factory: loop.create_unix_connection(factory, path))


class Rig:
    """A link to `box`, over which a counter's numbers come."""

    def __init__(self, box: Sshd, folder: Path) -> None:
        self.box = box
        self.log = Log()
        self.links = folder
        command = ["ssh", "-N", "-T", "-F", str(box.config), "-o", "BatchMode=yes", "-o", "LogLevel=ERROR", "--", "box"]
        self.target = str(folder / "far")
        self.link = Link(command, self.target, str(folder), answers, self.log, os.environ)
        self.numbers = 0

    async def play(self, story: Callable[["Rig"], Awaitable[None]]) -> None:
        loop = asyncio.get_running_loop()
        server = await asyncio.start_server(count, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        far = self.far = Far(lambda: port)
        self.there = await loop.create_unix_server(far.accept, self.target)
        near = Near(self.link.dial)
        here = await loop.create_server(near.accept, "127.0.0.1", 0)
        self.address = here.sockets[0].getsockname()[:2]
        await self.link.first()
        keeping = asyncio.create_task(self.link.keep())
        await self.connect()
        try:
            await asyncio.wait_for(story(self), BOUND)
            await self.more()
        finally:
            for task in (keeping, self.reading):
                task.cancel()
            await asyncio.gather(keeping, self.reading, return_exceptions=True)
            self.writer.close()
            await near.close()
            far.drop()
            for listener in (server, self.there, here):
                listener.close()
            await self.link.close()

    async def connect(self) -> None:
        """Follows the numbers over a new connection."""
        reader, self.writer = await asyncio.open_connection(*self.address)
        self.reading = asyncio.create_task(self.read(reader))

    async def read(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            assert int(line) == self.numbers, "each number once, in order"
            self.numbers += 1

    async def more(self) -> None:
        """Waits until numbers come (again)."""
        before = self.numbers
        async with asyncio.timeout(BOUND):
            while self.numbers < before + 10:
                await asyncio.sleep(0.02)

    async def told(self, *lines: str) -> None:
        """Waits until that was told, and nothing else."""
        async with asyncio.timeout(BOUND):
            while len(self.log.lines) < len(lines):
                await asyncio.sleep(0.02)
        assert self.log.lines == [*lines]


async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    number = 0
    try:
        while True:
            writer.write(b"%d\n" % number)
            await writer.drain()
            number += 1
            await asyncio.sleep(0.01)
    except ConnectionError:
        pass


@pytest.fixture
def rig(box: Sshd) -> Iterator[Rig]:
    with tempfile.TemporaryDirectory(prefix="nbfab") as folder:  # the path of a socket has to be short
        yield Rig(box, Path(folder))


async def the_client_is_killed(rig: Rig) -> None:
    assert rig.link.carrier
    assert rig.link.carrier._process
    os.kill(rig.link.carrier._process.pid, signal.SIGKILL)
    await rig.told("lost: ended", "found")


async def the_host_s_end_is_killed(rig: Rig) -> None:
    rig.box.cut()
    await rig.told("lost: ended", "found")


async def the_link_falls_silent(rig: Rig) -> None:
    for pid in descendants(rig.box.process.pid, "sshd"):
        os.kill(pid, signal.SIGSTOP)
    await rig.told("lost: silent", "found")
    rig.box.cut()


async def no_login_for_a_while(rig: Rig) -> None:
    rig.box.stop()
    rig.box.cut()
    await rig.told("lost: ended")
    while not rig.log.errors:
        await asyncio.sleep(0.02)
    assert "Connection refused" in rig.log.errors[0]
    rig.box.start()
    await rig.told("lost: ended", "found")


STORIES = (the_client_is_killed, the_host_s_end_is_killed, the_link_falls_silent, no_login_for_a_while)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_what_goes_over_it_survives(rig: Rig, story: Callable[[Rig], Awaitable[None]]) -> None:
    async def whole(rig: Rig) -> None:
        await rig.more()
        await story(rig)

    asyncio.run(rig.play(whole))
    assert [path.name for path in rig.links.iterdir()] == ["far"]


def test_a_host_that_lets_no_one_in_says_why(rig: Rig) -> None:
    (rig.box.folder / "authorized_keys").write_text("")
    with pytest.raises(Failed, match="Permission denied"):
        asyncio.run(rig.link.first())


def test_a_target_that_is_not_there(rig: Rig) -> None:
    with pytest.raises(Failed, match="the other end of the link does not answer"):
        asyncio.run(rig.link.first())
    assert not list(rig.links.glob("[0-9]*"))


def test_a_relay_that_ends_while_it_is_used(rig: Rig) -> None:
    async def story(rig: Rig) -> None:
        await rig.more()
        rig.there.close()
        rig.far.drop()
        await rig.told("lost: silent")
        while not rig.log.errors:
            await asyncio.sleep(0.02)
        assert "does not answer" in rig.log.errors[0]
        rig.there = await asyncio.get_running_loop().create_unix_server(rig.far.accept, rig.target)
        await rig.told("lost: silent", "found")
        rig.writer.close()
        rig.numbers = 0
        await rig.connect()

    asyncio.run(rig.play(story))


def test_a_host_that_falls_silent_during_the_first_login(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "WHOLE", 3.0)
    proxy = rig.links.parent / f"{rig.links.name}.py"
    proxy.write_text(RELAY)
    try:
        # So many bytes are those of the keys that are agreed on; the login does not get through.
        never = rig.links / "never"
        rig.box.write_config(f"Host box\n  ProxyCommand {sys.executable} {proxy} {rig.box.port} 1000 {never}\n")
        with pytest.raises(Failed, match="no login in time"):
            asyncio.run(rig.link.first())
        assert not list(rig.links.glob("[0-9]*"))
    finally:
        proxy.unlink()


def test_a_host_that_is_cut_during_the_first_login(rig: Rig) -> None:
    os.kill(rig.box.process.pid, signal.SIGSTOP)

    async def story() -> None:
        first = asyncio.create_task(rig.link.first())
        async with asyncio.timeout(BOUND):
            while not rig.links.joinpath("1").exists():
                await asyncio.sleep(0.02)
        os.kill(rig.box.process.pid, signal.SIGKILL)
        with pytest.raises(Failed, match=r"reset|closed|refused"):
            await first

    asyncio.run(story())
    assert not list(rig.links.glob("[0-9]*"))
