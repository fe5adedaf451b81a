"""Runs of `open`, with what they print."""

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from machine import PASSWORD, Machine
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
        return int(re.findall(r"https://[a-z0-9.-]+:([0-9]+)/  \(Control-C", self.said)[0])

    def close(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)


@contextmanager
def opened(machine: Machine, *args: str, **variables: str) -> Iterator[Page]:
    out = machine.work / "out"
    env = machine.env | {"NBFAB_PASSWORD": PASSWORD} | variables
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
