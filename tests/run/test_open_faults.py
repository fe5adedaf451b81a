"""Open over a link that is cut in every way: what a cell prints meanwhile is on the page, each number once."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from machine import PASSWORD, Machine
from netns import Link
from notebook_client import Notebook, execute_request
from opened import Page, opened
from processes import descendants
from pythons import NOTEBOOKS, need
from sshd import Sshd, wait_until
from websocket import WebSocket

CODE = """
import time
number = 0
while not __import__("os").path.exists({end!r}):
    print(number, flush=True)
    number += 1
    time.sleep(0.05)
print("end", number)
"""


class Rig:
    """A host behind a link of its own, and a page of its server."""

    def __init__(self, folder: Path, link: Link, notebook: str) -> None:
        self.link = link
        self.cuts = CUTS if notebook == "notebook 7" else (moved,)
        self.sshd = Sshd(folder / "host", within=link.within)
        self.sshd.stop()
        self.sshd._lines = f"ListenAddress {link.address}:{self.sshd.port}"
        self.sshd.start()
        name = f"[127.0.0.1]:{self.sshd.port}"
        self.sshd.write_config(f"Host box\n  HostName {link.address}\n  HostKeyAlias {name}\n  CheckHostIP no\n")
        self.machine = Machine(folder, self.sshd, "nbfab")
        self.machine.env["NBFAB_PYTHON"] = NOTEBOOKS[notebook]
        self.machine.ok("setup")

    def close(self) -> None:
        self.machine.close()
        self.sshd.stop()


@pytest.fixture(params=NOTEBOOKS)
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    need(NOTEBOOKS[request.param])
    with Link() as link:
        it = Rig(tmp_path, link, request.param)
        try:
            yield it
        finally:
            it.close()


class Cell:
    """A cell that counts, and what has come of it over one websocket."""

    def __init__(self, notebook: Notebook, end: Path) -> None:
        self.text = ""
        self.trouble = ""
        self.end = end
        kernel = notebook.post("/api/kernels", {"name": "nbserver"})["id"]
        self.socket: WebSocket = notebook.websocket(kernel)
        self.socket.send(json.dumps(execute_request(CODE.format(end=str(end)))))
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self) -> None:
        try:
            while "end" not in self.text:
                reply = json.loads(self.socket.recv())
                if reply["msg_type"] == "stream":
                    self.text += reply["content"]["text"]
        except Exception as error:
            self.trouble = repr(error)

    @property
    def count(self) -> int:
        return self.text.count("\n")

    def numbers(self) -> list[int]:
        """Ends it; all that came."""
        self.end.touch()
        self.thread.join(60)
        assert not self.trouble
        *lines, last = self.text.splitlines()
        assert last == f"end {len(lines)}"
        return [int(line) for line in lines]


def clients(page: Page) -> list[int]:
    return descendants(page.process.pid, "ssh")


def kill(rig: Rig, page: Page) -> None:
    os.kill(clients(page)[0], signal.SIGKILL)


def reset(rig: Rig, page: Page) -> None:
    rig.sshd.cut()


def hole(rig: Rig, page: Page) -> None:
    rig.link.hole()
    wait_until(lambda: "trying again" in last_drop(page), "the hole to be noticed")
    rig.link.whole()


def pulled(rig: Rig, page: Page) -> None:
    rig.link.down()
    wait_until(lambda: "trying again" in last_drop(page), "the cut to be noticed")
    rig.link.up()


def moved(rig: Rig, page: Page) -> None:
    rig.link.moves()


def sleep(rig: Rig, page: Page) -> None:
    """A lid that is closed, while the address becomes another."""
    pids = [page.process.pid, *clients(page)]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    rig.link.moves()
    time.sleep(3)
    for pid in pids:
        os.kill(pid, signal.SIGCONT)


def last_drop(page: Page) -> str:
    """What was said since the link was last found."""
    return page.said.rpartition("connected again")[2]


CUTS: tuple[Callable[[Rig, Page], None], ...] = (kill, reset, hole, pulled, moved, sleep)


def test_every_number_of_a_cell_is_there_whatever_happens_to_the_link(rig: Rig, tmp_path: Path) -> None:
    with opened(rig.machine, "--no-browser") as page:
        cell = Cell(Notebook(page.port, rig.machine.folder, PASSWORD), tmp_path / "end")
        for number, cut in enumerate(rig.cuts, 1):
            before = cell.count
            wait_until(lambda before=before: cell.count > before + 5, "numbers")  # type: ignore[misc]
            cut(rig, page)
            wait_until(lambda number=number: page.said.count("connected again") == number, cut.__name__)  # type: ignore[misc]
            before = cell.count
            wait_until(lambda before=before: cell.count > before + 5, "more numbers")  # type: ignore[misc]
        numbers = cell.numbers()
        assert numbers == list(range(len(numbers)))
