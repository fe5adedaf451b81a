"""Places: hosts that do not answer keep no others from their turn, and no more are at work than --jobs says."""

import json
import os
import resource
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from machine import BIN

from nbfab.fleet.places import SILENT, Places, silent
from nbfab.fleet.run import over
from nbfab.outcome import Outcome


@dataclass
class Waited:
    """A host that is waited for, until it answers, and then for its work."""

    name: str
    places: Places
    answer: Callable[[], object]
    does: Callable[[], object] = lambda: None

    def work(self, sees: Callable[[str], None], hears: Callable[[str], None]) -> Outcome:
        with self.places.lent():
            self.answer()
        self.does()
        return Outcome(self.name, "plan", "unchanged")

    def cut(self) -> None:
        pass


def test_a_silent_host_keeps_no_other_from_its_turn() -> None:
    places, last = Places(10), threading.Event()
    silent = [Waited(f"silent{number}", places, lambda: last.wait(60)) for number in range(10)]
    run = over([*silent, Waited("last", places, lambda: None, last.set)], "plan", 1, places=places)
    assert [outcome.verdict for outcome in run.in_order()] == ["unchanged"] * 11
    assert last.is_set()


@pytest.mark.parametrize("jobs", [1, 3])
def test_no_more_hosts_are_at_work_than_there_are_places(jobs: int) -> None:
    places, lock, most, now = Places(30), threading.Lock(), [0], [0]

    def works() -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.01)
        with lock:
            now[0] -= 1

    members = [Waited(str(number), places, lambda: time.sleep(0.005), works) for number in range(40)]
    run = over(members, "plan", jobs, places=places)
    assert len(run.outcomes) == 40
    assert most[0] == jobs


def test_a_place_is_lent_as_often_as_files_may_be_open() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
        assert silent(64) == SILENT
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > SILENT
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    code = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))\n"
    code += "from nbfab.fleet.places import silent; print(silent(64), silent(500))"
    told = subprocess.run([BIN / "python", "-c", code], capture_output=True, text=True, check=True).stdout
    assert told == "448 0\n"


@contextmanager
def silence() -> Iterator[int]:
    """A port of this machine that answers no one: the queue of those who wait there is full."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("0.0.0.0", 0))
        listener.listen(0)
        for _ in range(3):
            waits = stack.enter_context(socket.socket())
            waits.setblocking(False)
            waits.connect_ex(("127.0.0.1", listener.getsockname()[1]))
        yield listener.getsockname()[1]


@pytest.mark.parametrize("transport", [(), ("--ssh", "openssh")], ids=["paramiko", "openssh"])
def test_a_long_list_of_silent_hosts_is_soon_told(transport: tuple[str, ...], tmp_path: Path) -> None:
    with silence() as port:
        hosts = "".join(f"  host{number}: {{address: 127.0.9.{number}}}\n" for number in range(1, 201))
        (tmp_path / "hosts.yaml").write_text("hosts:\n" + hosts)
        (tmp_path / "ssh_config").write_text(f"Host *\n  Port {port}\n  ConnectTimeout 3\n  BatchMode yes\n")
        command = [str(BIN / "nbfab"), "-S", "ssh_config", "fleet.plan", "--jobs", "16", "--json", *transport]
        env = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        began = time.monotonic()
        done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
        took = time.monotonic() - began
    outcomes = json.loads(done.stdout)["hosts"]
    assert len(outcomes) == 200
    assert {outcome["error"].partition(": ")[2] for outcome in outcomes} == {"no answer within 3 seconds"}
    assert took < 30, "3 seconds each at 16 places would be 38"
