"""The task `kernels`, and a server that ends because it is idle, as a person sees them."""

import json
import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from machine import PASSWORD, Machine
from notebook_client import Notebook, execute_request
from pythons import NOTEBOOKS, need
from sshd import wait_until

CONFIG = "jupyter_server_config.py"


@pytest.fixture(params=NOTEBOOKS)
def set_up(request: pytest.FixtureRequest, here: Machine) -> Machine:
    """A machine with a server of each kind."""
    need(NOTEBOOKS[request.param])
    here.env["NBFAB_PYTHON"] = NOTEBOOKS[request.param]
    here.ok("setup", "--idle=8h", "--idle-kernels", "120m")
    return here


@contextmanager
def running(notebook: Notebook, kernel: str) -> Iterator[None]:
    """Meanwhile, a kernel runs something."""
    with closing(notebook.websocket(kernel)) as socket:
        socket.send(json.dumps(execute_request("import time; time.sleep(1000)")))
        reply: dict[str, Any] = {}
        while reply.get("content", {}).get("execution_state") != "busy":
            reply = json.loads(socket.recv())
        yield


def live(machine: Machine) -> list[dict[str, Any]]:
    kernels = machine.json("kernels")["state"]["live_kernels"]
    assert isinstance(kernels, list)
    return kernels


def squeezed(report: str) -> str:
    """A report with one blank in the place of several."""
    return re.sub(" +", " ", report)


def test_kernels_are_listed_interrupted_and_shut_down(set_up: Machine) -> None:
    machine = set_up
    assert "this machine: no kernels\n" in machine.ok("kernels")
    notebook = Notebook(machine.port, machine.folder, PASSWORD)
    ids = [notebook.post("/api/kernels", {})["id"] for _ in range(2)]
    session = {"path": "work/plot.ipynb", "type": "notebook", "name": "", "kernel": {"id": ids[0]}}
    notebook.post("/api/sessions", session)
    terminal = notebook.post("/api/terminals", {})["name"]
    assert notebook.evaluates(ids[0], "1 + 1") == "2"
    with running(notebook, ids[1]):
        first, second = (next(kernel for kernel in live(machine) if kernel["id"] == one) for one in ids)
        assert (first["notebook"], second["notebook"]) == ("work/plot.ipynb", None)
        assert 20_000_000 < first["memory"] < 500_000_000
        assert 0 <= first["cpu"] <= 100
        assert first["started"] <= first["active"]
        report = squeezed(machine.ok("kernels"))
        assert "this machine: 2 kernels, 1 terminal\n" in report
        assert f" {ids[0][:8]} work/plot.ipynb: idle since {first['active']}, " in report
        assert f" {ids[1][:8]} no notebook: busy, last active 2" in report
        assert f" terminal {terminal}\n" in report
        assert " idle the server ends 8h after its last kernel and terminal\n kernels end once idle for 2h" in report
        assert "no kernel has an id that begins with 'xyz'" in (said := machine.fails("kernels", "--shutdown", "xyz"))
        assert f"{ids[0][:8]} work/plot.ipynb (idle)" in said
        assert f"interrupt kernel {ids[1][:8]} (busy)" in machine.ok("kernels", "--interrupt", ids[1][:6])
        wait_until(lambda: {kernel["state"] for kernel in live(machine)} == {"idle"}, "the interrupt", 30)
    assert "takes the id of a kernel" in machine.fails("kernels", "--shutdown", "", status=2)
    with running(notebook, ids[1]):
        refused = machine.json("kernels", f"--shutdown={ids[1]}")
        assert refused["verdict"] == "refused"
        assert refused["error"] == f"kernel {ids[1][:8]} (busy) was not shut down, because that would end what it runs"
        assert refused["fix"][0]["command"].endswith(f"kernels --shutdown={ids[1]} --force")
        machine.ok("kernels", "--shutdown", ids[1], "--force")
    assert [kernel["id"] for kernel in live(machine)] == [ids[0]]
    assert "shut down kernel" in machine.ok("kernels", "--shutdown", ids[0][:4])  # an idle one, without a question
    assert live(machine) == []
    machine.ok("stop", "--force")
    stopped = machine.json("kernels")
    assert (stopped["verdict"], stopped["status"], stopped["error"]) == ("not running", 1, "it does not run")


def test_an_idle_server_ends_and_status_says_so_and_how_to_start_it(set_up: Machine) -> None:
    machine = set_up
    state = machine.json("status")["state"]
    assert state["idle"]["after"] == 8 * 3600
    assert state["idle"]["kernels_after"] == 2 * 3600
    assert 8 * 3600 - 120 < state["idle"]["left"] <= 8 * 3600
    assert " idle the server ends in 7 h 59 min unless it is used\n" in squeezed(machine.ok("status"))
    assert machine.json("plan")["verdict"] == "unchanged"
    # As the settings have it after three seconds, and not eight hours.
    config = machine.folder / CONFIG
    config.write_text(config.read_text().replace("Nbfab.idle = 28800", "Nbfab.idle = 3"))
    os.kill(machine.server, signal.SIGKILL)  # what tmux runs starts it again
    ended = machine.folder / "ended"
    wait_until(lambda: ended.exists() and " idle 0 down" in ended.read_text(), "the idle server to end", 60)
    time.sleep(3)  # for which a crash would have been followed by a start
    outcome = machine.json("status")
    assert outcome["error"].startswith("it does not run: it was idle, so it ended at 2")
    assert outcome["error"].count("\n") == 0
    assert outcome["state"]["last_end"]["why"] == "it was idle"
    machine.ok("setup")
    assert machine.json("status")["state"]["running"]
    assert machine.json("setup", "--idle", "off", "--reset", "idle_kernels")["verdict"] == "changed"
    assert machine.json("status")["state"]["idle"] is None
