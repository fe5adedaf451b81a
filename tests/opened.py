"""Runs of `open`, with what they print."""

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from machine import PASSWORD, Machine
from sshd import free_port, wait_until

from nbfab.names import parse_host
from nbfab.ssh.arguments import by_itself
from nbfab.ssh.options import SshOptions
from nbfab.tunnel.spec import Spec


class Run:
    """A process that holds something open until Control-C, and what it prints."""

    def __init__(self, process: "subprocess.Popen[bytes]", out: Path) -> None:
        self.process, self.out = process, out

    @property
    def said(self) -> str:
        return self.out.read_text()

    def prints(self, words: str, seconds: float = 60) -> None:
        """Returns once it has; AssertionError if that takes longer, with all that it has printed."""
        with suppress(AssertionError):
            wait_until(lambda: words in self.said, words, seconds)
        assert words in self.said, f"no {words!r} within {seconds} s in:\n{self.said}"

    def close(self) -> int:
        """Control-C; the exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)


class Page(Run):
    """A run of `open`."""

    @property
    def port(self) -> int:
        wait_until(lambda: "(Control-C" in self.said or self.process.poll() is not None, "the page to be open")
        assert self.process.poll() is None, self.said
        return int(re.findall(r"https://[a-z0-9.-]+:([0-9]+)/  \(Control-C", self.said)[0])


def plain_spec(there: Machine) -> Spec:
    """The link to a host where a server runs, without the relay."""
    assert there.sshd
    (info,) = (there.folder / "runtime").glob("jpserver-*.json")
    text = (there.folder / "nbserver.pem").read_text()
    return Spec(
        host="box",
        profile="nbserver",
        command=tuple(by_itself(parse_host("box"), SshOptions(str(there.sshd.config)))),
        target=f"127.0.0.1:{there.port}",
        relayed=False,
        ports=(free_port(),),
        certificate=text[text.index("-----BEGIN CERTIFICATE") :],
        token=json.loads(info.read_text())["token"],
        login="yes",  # also for root
    )


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
