"""Open: from nothing to a page here, and what stays of it whatever happens to the connection."""

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from machine import PASSWORD, Machine
from notebook_client import Notebook
from sshd import wait_until


class Page:
    """A run of `open`, and what it prints."""

    def __init__(self, process: "subprocess.Popen[bytes]", out: Path) -> None:
        self.process, self.out = process, out

    @property
    def said(self) -> str:
        return self.out.read_text()

    @property
    def port(self) -> int:
        wait_until(lambda: "(Control-C" in self.said or self.process.poll() is not None, "the page to be open")
        assert self.process.poll() is None, self.said
        return int(re.findall(r"https://localhost:([0-9]+)/  \(Control-C", self.said)[0])

    def close(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)


@contextmanager
def opened(machine: Machine, *args: str) -> Iterator[Page]:
    out = machine.work / "out"
    env = machine.env | {"NBFAB_PASSWORD": PASSWORD}
    with open(out, "wb") as file:
        process = subprocess.Popen(
            machine.command("open", *args),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            env=env,
            cwd=machine.work,
        )
    page = Page(process, out)
    try:
        yield page
    finally:
        if process.poll() is None:
            assert page.close() == 0, page.said


@pytest.fixture
def there(there: Machine) -> Machine:
    there.program = "nbfab"
    return there


def test_from_nothing_to_the_page(there: Machine) -> None:
    assert "no one has confirmed" in there.fails("open")
    with opened(there, "--yes", "--no-browser") as page:
        assert Notebook(page.port, there.folder, PASSWORD).get("/api")["version"]
        assert there.sshd
        there.sshd.cut()
        wait_until(lambda: "connected again" in page.said, "the connection to be there again")
        assert Notebook(page.port, there.folder, PASSWORD).get("/api")["version"]
        assert page.close() == 0
    assert there.json("status")["state"]["running"]
    with opened(there, "--no-browser") as page:
        assert page.port


def test_it_starts_a_server_that_was_stopped(there: Machine) -> None:
    there.ok("setup")
    there.ok("stop")
    with opened(there, "--no-browser") as page:
        assert Notebook(page.port, there.folder, PASSWORD).get("/api")["version"]
