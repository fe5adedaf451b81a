"""A server that is looked at stays idle; one that is idle for long ends, unless a kernel or a terminal is live."""

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from machine import ROOT
from notebook_servers import FIRST, Browser, Server, ask, result, run, send
from sshd import wait_until
from tornado.httputil import HTTPHeaders, HTTPServerRequest
from websocket import WebSocket

from nbfab.plan import pem
from nbfab.server.idle import Idle

PROBE = (ROOT / "nbfab/look/server_probe.py").read_text()
# The program that asks a server, as often as its last argument says.
OFTEN = f"import sys\ncode, times = compile({PROBE!r}, 'probe', 'exec'), int(sys.argv.pop())\n" + (
    "for _ in range(times):\n    try:\n        exec(code)\n    except SystemExit as end:\n        status = end.code\n"
    "sys.exit(status)\n"
)
LIMIT = "c.Nbfab.idle = 3"


def looked_at(server: Server, times: int) -> list[dict[str, Any]]:
    """The answers of a server to a number of looks."""
    words = (str(server.folder), str(server.process.pid), "nbserver.pem", "5", str(server.port), "usage", str(times))
    done = subprocess.run([sys.executable, "-c", OFTEN, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def probed(own: Callable[..., Server], tmp_path: Path) -> Server:
    """A server that the program can ask."""
    folder = tmp_path / "profile"
    (folder / "runtime").mkdir(parents=True)
    (folder / "JUPYTER_RUNTIME_DIR").symlink_to("runtime")
    now = time.time()
    certificate = folder / "nbserver.pem"
    certificate.write_text(pem.make(("localhost", "127.0.0.1"), 2, now, int(now)))
    return own(certificate=str(certificate))


def last_activity(server: Server) -> str:
    return str(server.ask("/api/status")["last_activity"])


def to_be_idle(server: Server, channels: WebSocket) -> None:
    """Waits until the server takes a kernel for idle: it may notice nothing of the first cells."""

    def idle() -> bool:
        run(channels, "1")
        return bool(server.ask("/api/kernels")[0]["execution_state"] == "idle")

    wait_until(idle, "the kernel to be idle")


def test_a_hundred_looks_are_no_activity(probed: Server) -> None:
    before = last_activity(probed)
    assert all(answer["kernels"] == [] for answer in looked_at(probed, 100))
    for _ in range(100):  # as a look from another machine does, without a login
        assert Browser(probed).request("GET", "/api").status == 200
    assert last_activity(probed) == before
    browser = Browser(probed)
    assert browser.logs_in(FIRST)
    channels = browser.channels()
    terminal = browser.json("POST", "/api/terminals")["name"]
    looked_at(probed, 1)
    to_be_idle(probed, channels)
    before = last_activity(probed)
    answers = looked_at(probed, 100)
    assert len(answers) == 100
    assert last_activity(probed) == before
    for answer in answers:
        (kernel,) = answer["kernels"]
        assert (kernel["id"], kernel["state"], answer["terminals"]) == (browser.kernel, "idle", [terminal])


def test_what_a_kernel_takes(probed: Server) -> None:
    browser = Browser(probed)
    assert browser.logs_in(FIRST)
    channels = browser.channels()
    begun = time.time()
    spends = "[sys.executable, '-c', 'x = bytearray(50_000_000)\\nprint(flush=True)\\nwhile True: pass']"
    code = f"import subprocess, sys; child = subprocess.Popen({spends}, stdout=-1); child.stdout.readline(); child.pid"
    pid = int(run(channels, code))
    ((kernel,),) = (answer["kernels"] for answer in looked_at(probed, 1))
    assert kernel["usage"]["memory"] > 80_000_000  # its own, and that of what it has started
    assert kernel["usage"]["cpu"] > 15  # on a machine that others use, too
    assert abs(kernel["usage"]["started"] - begun) < 60
    run(channels, "child.kill(); child.wait()")
    ((kernel,),) = (answer["kernels"] for answer in looked_at(probed, 1))
    assert 0 < kernel["usage"]["memory"] < 50_000_000 + 80_000_000
    assert not Path(f"/proc/{pid}").exists()


def ended(server: Server) -> bool:
    return server.process.poll() is not None


def test_an_idle_server_ends_in_order_and_leaves_word(own: Callable[..., Server]) -> None:
    begun = time.monotonic()
    server = own(more=LIMIT)
    wait_until(lambda: ended(server), "the idle server to end", 30)
    assert time.monotonic() - begun > 3
    assert server.process.returncode == 0
    assert (server.folder / "idled").exists()


def test_what_an_open_page_asks_by_itself_is_no_use_and_what_a_person_does_is(own: Callable[..., Server]) -> None:
    server = own(more=LIMIT)
    browser = Browser(server)
    assert browser.logs_in(FIRST)
    end = time.monotonic() + 6
    while time.monotonic() < end:  # a person who works
        browser.json("PUT", "/api/contents/a.txt", {"type": "file", "format": "text", "content": "x"})
        time.sleep(0.2)
    assert not ended(server)

    def asks() -> bool:  # a page that is left open
        try:
            browser.request("GET", "/api/kernels")
            browser.request("GET", "/api/contents")
        except (OSError, http.client.HTTPException):
            return ended(server)
        return False

    wait_until(asks, "the server of the open page to end", 30)
    assert (server.folder / "idled").exists()


@pytest.mark.parametrize("what", ["kernels", "terminals"])
def test_a_kernel_or_a_terminal_keeps_it(what: str, own: Callable[..., Server]) -> None:
    server = own(more=LIMIT)
    browser = Browser(server)
    assert browser.logs_in(FIRST)
    made = browser.json("POST", f"/api/{what}", {})
    end = time.monotonic() + 7
    while time.monotonic() < end:
        assert server.ask("/nbfab-status")["idle"] == {"after": 3, "kernels_after": 0, "left": None}
        time.sleep(0.2)
    assert not ended(server)
    name = made["id" if what == "kernels" else "name"]
    headers = {"X-XSRFToken": browser.cookies["_xsrf"]}
    assert browser.request("DELETE", f"/api/{what}/{name}", headers=headers).status == 204
    wait_until(lambda: ended(server), "the server to end after what was live in it", 30)


def test_idle_kernels_end_first_and_no_busy_one(own: Callable[..., Server]) -> None:
    server = own(more="c.Nbfab.idle = 2\nc.Nbfab.idle_kernels = 4")
    browser = Browser(server)
    assert browser.logs_in(FIRST)
    channels = browser.channels()  # connected, as by a page that is left open
    to_be_idle(server, channels)
    sleeps = "import time; [time.sleep(0.1) for _ in range(70)] and 'done'"  # busy, and silent for longer than that
    computes = send(channels, sleeps)
    assert result(channels, ask(channels, "control", "kernel_info_request")) == ""  # as a page does that is opened
    assert server.ask("/api/kernels")[0]["execution_state"] == "busy"
    assert result(channels, computes) == "'done'"
    assert not ended(server)
    wait_until(lambda: ended(server), "kernel and server to end", 30)
    assert server.process.returncode == 0


def watching(folder: Path, clock: Callable[[], float]) -> tuple[Idle, list[str]]:
    """What ends a server that is idle for ten minutes, and what it then has of it."""
    stopped = list[str]()
    idle = Idle(str(folder), clock, lambda: stopped.append("exit"))
    idle.set_up(SimpleNamespace(Nbfab={"idle": 600}))
    idle._app = SimpleNamespace(
        web_app=SimpleNamespace(settings={}),
        kernel_manager={},
        stop=lambda: stopped.append("server"),
        log=SimpleNamespace(warning=lambda *words: None),
    )
    return idle, stopped


def test_a_clock_that_is_set_is_no_time_that_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    idle, stopped = watching(tmp_path, lambda: now[0])
    monkeypatch.setattr(time, "time", lambda: 4e9)
    idle.look()
    assert idle.report()["left"] == 600
    now[0] += 590
    assert idle.report()["left"] == 10
    idle.note(HTTPServerRequest("GET", "/lab", headers=HTTPHeaders({"Accept": "text/html,*/*;q=0.8"})))
    assert idle.report()["left"] == 600
    idle.note(HTTPServerRequest("GET", "/api/kernels", headers=HTTPHeaders({"Accept": "*/*"})))
    now[0] += 599
    idle.look()
    assert not stopped
    now[0] += 2
    idle.look()
    assert stopped == ["server", "exit"]
    assert os.listdir(tmp_path) == ["idled"]


def test_it_ends_also_where_it_cannot_leave_word(tmp_path: Path) -> None:
    now = [100.0]
    idle, stopped = watching(tmp_path / "gone", lambda: now[0])
    idle.look()
    now[0] += 601
    idle.look()
    assert stopped == ["server", "exit"]
