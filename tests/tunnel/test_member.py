"""One host in a supervisor: how it ends, and with which exit status."""

import asyncio
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from machine import ROOT
from processes import lives
from sshd import free_port, wait_until

from nbfab.tunnel import member, run
from nbfab.tunnel.background import MOST, Output
from nbfab.tunnel.carrier import Failed, NeedsPerson
from nbfab.tunnel.opened import Opened, cancelled
from nbfab.tunnel.spec import Spec, dump_all, load_all
from nbfab.tunnel.supervisor import Supervisor
from nbfab.tunnel.telling import Telling


def spec(tmp_path: Path, host: str = "box", **more: Any) -> Spec:
    state = str(tmp_path / "state")
    return Spec(host, "nbserver", ("false",), "/s", True, (free_port(),), state=state, browser=False, **more)


def ended(specs: list[Spec]) -> tuple[int, str]:
    """The exit status of a supervisor, and what it prints."""
    out = io.StringIO()
    return asyncio.run(Supervisor(specs, lambda of: Telling(of, out), run.show).run()), out.getvalue()


@pytest.mark.parametrize(("error", "status"), [(Failed("refused"), 1), (NeedsPerson("a code is asked for"), 4)])
def test_one_that_never_came_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Failed, status: int) -> None:
    async def connect(self: Opened) -> None:
        raise error

    monkeypatch.setattr(Opened, "connect", connect)
    found, said = ended([spec(tmp_path)])
    assert found == status
    assert f"box: not connected: {error}" in said
    assert os.listdir(tmp_path / "state/open") == []
    found, said = ended([spec(tmp_path, json=True, document='{"status": 0, "hosts": [{"host": "box", "notes": []}]}')])
    known = json.loads(said)
    assert (found, known["status"]) == (status, status)
    assert known["hosts"][0]["error"] == f"not connected: {error}"


def test_one_that_fails_does_not_disturb_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connected: list[str] = []

    async def connect(self: Opened) -> None:
        if self.spec.host == "bad":
            raise Failed("refused")
        await asyncio.sleep(0.5)
        connected.append(self.spec.host)

    monkeypatch.setattr(Opened, "connect", connect)
    status, said = ended([spec(tmp_path, "bad"), spec(tmp_path, "good")])
    assert (status, connected) == (1, ["good"])
    assert "bad: not connected: refused" in said
    assert "https://localhost:" in said


def test_a_first_login_that_takes_long_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def connect(self: Opened) -> None:
        await asyncio.sleep(0.5)

    monkeypatch.setattr(Opened, "connect", connect)
    monkeypatch.setattr(member, "SLOW", 0.1)
    monkeypatch.setattr(Opened, "kept", connect)
    first, second = ended([spec(tmp_path)])[1], ended([spec(tmp_path)])[1]
    assert first.startswith("box: still connecting\nnote: the first time, the browser warns of the certificate")
    assert second.startswith("box: still connecting\nhttps://")
    assert "the browser warns" not in ended([spec(tmp_path, "gpu1", issued=True)])[1]
    document = '{"status": 0, "hosts": [{"host": "box", "notes": []}]}'
    assert json.loads(ended([spec(tmp_path, json=True, document=document)])[1])["hosts"]


def test_several_as_one_text(tmp_path: Path) -> None:
    specs = [spec(tmp_path, "one", token="canary"), spec(tmp_path, "two")]
    assert load_all(dump_all(specs)) == specs
    assert load_all(specs[0].dump()) == specs[:1]
    assert "canary" not in repr(specs)


def test_a_cancellation_that_is_swallowed_is_repeated() -> None:
    async def stubborn() -> None:
        for _ in range(2):
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                continue
        await asyncio.sleep(60)

    async def play() -> None:
        task = asyncio.ensure_future(stubborn())
        await asyncio.sleep(0)
        await asyncio.wait_for(cancelled(task), 30)
        assert task.done()

    asyncio.run(play())


def test_a_log_is_bounded_and_keeps_its_end(tmp_path: Path) -> None:
    log = tmp_path / "log"
    number = os.open(log, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    output = Output(number, -1)
    for line in range(20_000):
        output.write(f"line {line} {'x' * 40}\n")
    os.close(number)
    lines = log.read_text().splitlines()
    assert log.stat().st_size <= MOST + 100
    numbers = [int(line.split()[1]) for line in lines]
    assert numbers == list(range(numbers[0], 20_000))


def test_the_background_does_not_keep_the_terminal(tmp_path: Path) -> None:
    code = (
        "import sys, time, os; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\nfrom nbfab.tunnel import background\n"
        "def work(output):\n"
        "    output.write(f'up {os.getpid()}\\n'); output.leave(); output.write('later\\n'); time.sleep(60); return 0\n"
        "sys.exit(background.start(Path(sys.argv[2]), work))\n"
    )
    words = [sys.executable, "-ISc", code, str(ROOT), str(tmp_path / "log")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)
    up, pid = done.stdout.split()
    try:
        assert (done.returncode, up, done.stderr) == (0, "up", "")
        assert lives(pid)
        wait_until(lambda: (tmp_path / "log").read_text() == f"up {pid}\nlater\n", "the log to have all")
        assert os.getsid(int(pid)) == int(pid)
        assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600
    finally:
        os.kill(int(pid), 9)
