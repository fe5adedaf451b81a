"""A fleet's links and looks, without hosts: what is tried, how often, and how many at a time."""

import asyncio
import itertools
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from nbfab.tunnel import fleet, fleet_run, kept, link, looker
from nbfab.tunnel.carrier import Failed, NeedsPerson
from nbfab.tunnel.fleet import Fleet
from nbfab.tunnel.found import FleetSpec, Found
from nbfab.tunnel.member import Told
from nbfab.tunnel.opened import Opened
from nbfab.tunnel.row import Row
from nbfab.tunnel.spec import Spec

Story = Callable[[Fleet, list[Row]], Awaitable[None]]


async def show(opened: Opened, told: Told) -> None:
    told.up(opened.origin, ())


def play(spec: FleetSpec, folder: Path, story: Story) -> None:
    """A story about a fleet, which gets that and the rows as they were told."""

    async def whole() -> None:
        told: list[Row] = []
        it = Fleet(spec, str(folder), show, told.append)
        looking = asyncio.create_task(it.look())
        try:
            await asyncio.wait_for(story(it, told), 30)
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
            await it.close()

    asyncio.run(whole())


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


def program(folder: Path, body: str) -> tuple[str, ...]:
    """A program that takes the place of another."""
    file = folder / f"program{len(list(folder.iterdir()))}.py"
    file.write_text(f"#!{sys.executable} -ISB\n{body}")
    file.chmod(0o755)
    return (str(file),)


def host(name: str, command: tuple[str, ...] = (), **more: str) -> Found:
    if command:
        return Found(name, "nbserver", spec=Spec(name, "nbserver", command, "/there", True, (), browser=False))
    return Found(name, "nbserver", state="down", words="connection refused")


SAYS = """
import sys, time, os
folder, = [word[9:] for word in sys.argv if word.startswith("--folder=")]
began = os.path.join(folder, f"{os.getpid()}-{time.monotonic()}")
open(began, "w").close()
time.sleep(0.2)
os.rename(began, began + "-ended")
print("ssh: the host says no", file=sys.stderr)
sys.exit(255)
"""


def test_a_host_that_is_down_is_tried_ever_less_often(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "FIRST", 0.1)
    monkeypatch.setattr(kept, "LONGEST", 0.4)
    tries = tmp_path / "tries"
    tries.mkdir()
    command = (*program(tmp_path, SAYS), f"--folder={tries}")

    async def story(it: Fleet, told: list[Row]) -> None:
        await until(lambda: len(list(tries.iterdir())) >= 5)
        times = sorted(float(path.name.split("-")[1]) for path in tries.iterdir())
        gaps = [after - before for before, after in itertools.pairwise(times)]
        assert gaps[3] > gaps[0] + 0.1
        assert len(told) == 1, "the same reason is told once"
        assert it.rows[0].told.startswith("down since ")
        assert it.rows[0].words == "ssh: the host says no"

    play(FleetSpec((host("one", command),)), tmp_path, story)


def test_logins_at_a_time_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet, "LOGINS", 3)
    tries = tmp_path / "tries"
    tries.mkdir()
    command = (*program(tmp_path, SAYS), f"--folder={tries}")
    most = 0

    async def story(it: Fleet, told: list[Row]) -> None:
        nonlocal most
        while len(told) < 12:
            most = max(most, sum(not path.name.endswith("ended") for path in tries.iterdir()))
            await asyncio.sleep(0.005)
        assert 1 <= most <= 3

    play(FleetSpec(tuple(host(f"h{number}", command) for number in range(12))), tmp_path, story)


LOOKS = """
import json, os, sys
assert os.environ["NBFAB_LOOKS"] == str(os.getppid())
assert os.environ["NBFAB_PROFILE"] == "nbserver"
with open({calls!r}, "a") as file:
    print(sys.argv[-1], file=file)
print("no line of ours", flush=True)
print(json.dumps([1]), flush=True)
for name in (*sys.argv[-1].split(","), "a-stranger"):
    found = dict(host=name, profile="nbserver", state="not set up", words="new", fix=["nbfab"], notes=[], spec=None)
    print(json.dumps(found), flush=True)
"""


def looking(folder: Path) -> tuple[FleetSpec, Path]:
    """A fleet of which one host was not reached, and one was not set up; and the file with what was looked at."""
    calls = folder / "calls"
    command = program(folder, LOOKS.format(calls=str(calls)))
    hosts = (host("one"), Found("two", "nbserver", state="not set up", words="not yet"))
    return FleetSpec(hosts, command, {"NBFAB_PROFILE": "nbserver"}), calls


def test_a_host_that_was_not_reached_is_looked_at_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet, "FIRST", 0.1)
    spec, calls = looking(tmp_path)

    async def story(it: Fleet, told: list[Row]) -> None:
        await until(lambda: it.rows[0].state == "not set up")
        assert it.rows[0].words == "new"
        assert it.rows[0].fix == ("nbfab",)
        assert [row.host for row in it.rows] == ["one", "two"]
        await asyncio.sleep(0.5)
        assert calls.read_text() == "one\n", "a host that someone has to set up is left alone"

    play(spec, tmp_path, story)


@pytest.mark.parametrize("body", ["raise SystemExit(1)", "print('{')", "print('x' * 3_000_000)"])
def test_a_look_that_fails_changes_nothing(body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet, "FIRST", 0.05)
    spec = FleetSpec((host("one"),), (*program(tmp_path, f"open({str(tmp_path / 'ran')!r}, 'w')\n{body}"), "-"))

    async def story(it: Fleet, told: list[Row]) -> None:
        await until((tmp_path / "ran").exists)
        await asyncio.sleep(0.3)
        assert (it.rows[0].state, it.rows[0].words) == ("down", "connection refused")

    play(spec, tmp_path, story)


def test_a_look_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looker, "WHOLE", 0.3)

    async def story() -> None:
        began = time.monotonic()
        command = program(tmp_path, "import time; time.sleep(60)")
        assert [found async for found in looker.look(command, ["one"], {})] == []
        assert time.monotonic() - began < 10
        assert [found async for found in looker.look(["/no/such/program"], ["one"], {})] == []

    asyncio.run(story())


def test_what_carries_is_tried_ever_less_often_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "EVERY", 0.02)
    times: list[float] = []

    class Log:
        def lost(self, why: str) -> None: ...

        def found(self, seconds: float, tries: int) -> None: ...

        def tried(self, error: Exception) -> None:
            times.append(time.monotonic())

        def note(self, text: str, event: str = "note") -> None: ...

    async def answers(path: str) -> None: ...

    async def story() -> None:
        pace = link.Pace(0.3)
        it = link.Link(["false"], "/there", str(tmp_path), answers, Log(), os.environ, pace=pace)
        trying = asyncio.create_task(it._renew())
        await until(lambda: len(times) > 20)
        trying.cancel()
        await asyncio.gather(trying, return_exceptions=True)
        gaps = [after - before for before, after in itertools.pairwise(times)]
        assert min(gaps[-3:]) > 0.2
        assert min(gaps[:3]) < 0.2

    asyncio.run(story())


def test_what_a_link_tells_is_in_the_row(tmp_path: Path) -> None:
    async def story() -> None:
        it = kept.Kept(host("one"), str(tmp_path), link.EAGER, show, lambda row: None)
        told = kept._Told(it, Spec("one", "nbserver", (), "/there", True, ()))
        told.up("https://localhost:1/", ())
        assert (it.row.state, it.row.url) == ("up", "https://localhost:1/")
        told.lost("silent")
        told.tried(Failed("line\nssh: no route to host"))
        assert (it.row.state, it.row.words) == ("down", "ssh: no route to host")
        told.tried(NeedsPerson("a code is asked for"))
        assert (it.row.state, it.row.words) == ("a person is needed", "a code is asked for")
        told.found(3.0, 2)
        assert (it.row.state, it.row.words) == ("up", "")
        told.note("it has ended", "stopped")
        assert (it.row.state, it.row.words) == ("server stopped", "it has ended")
        told.note("it answers again", "started")
        assert it.row.state == "up"
        for number in range(100):
            told.note(f"note {number}")
        assert it.row.notes[-1] == "note 99"
        assert len(it.row.notes) == kept.MOST

    asyncio.run(story())


def test_a_login_waits_for_a_link_that_is_being_made_and_not_for_ever(tmp_path: Path) -> None:
    async def story() -> None:
        it = kept.Kept(host("one"), str(tmp_path), link.EAGER, show, lambda row: None)
        it.is_asked_about()
        await it.settled(0.2)
        assert it.row.state == "connecting"
        waiting = asyncio.create_task(it.settled(60))
        await asyncio.sleep(0)
        assert not waiting.done()
        it.becomes("up")
        await asyncio.wait_for(waiting, 5)

    asyncio.run(story())


def test_the_browser_is_led_to_the_page_by_a_file_of_ours(tmp_path: Path) -> None:
    url = "http://127.0.0.1:1/secret/"
    found = fleet_run._page(url, str(tmp_path))
    file = Path(found.removeprefix("file://"))
    assert file.stat().st_mode & 0o777 == 0o600
    assert url in file.read_text()
    assert "secret" not in found


@pytest.mark.parametrize(
    ("states", "up", "status"),
    [
        (["up"], True, 0),
        (["down"], True, 0),
        (["down"], False, 1),
        (["not set up", "failed"], False, 1),
        (["a person is needed", "down"], False, 4),
        (["a person is needed"], True, 0),
    ],
)
def test_the_exit_status(states: list[str], up: bool, status: int) -> None:
    assert fleet_run._status([Row("a", "b", state) for state in states], up) == status  # type: ignore[arg-type]


def test_a_spec_is_passed_on_whole() -> None:
    spec = FleetSpec((host("one", ("ssh", "one")), host("two")), ("look",), {"NBFAB_A": "b"}, False, "{}")
    assert FleetSpec.load(spec.dump()) == spec
