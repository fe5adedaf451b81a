"""Sessions: the next one is opened while a program runs, on hosts that allow it, and nothing depends on that."""

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import paramiko
import pytest
from processes import descendants
from sshd import Sshd, wait_until

from nbfab.names import parse_host
from nbfab.ssh.host import There
from nbfab.ssh.options import SshOptions
from nbfab.ssh.sessions import Sessions

Make = Callable[..., Sshd]


@pytest.fixture
def there() -> Iterator[Callable[[Sshd], There]]:
    """Makes hosts, which are closed in the end."""
    made = []

    def make(box: Sshd) -> There:
        made.append(There("box", parse_host("box"), SshOptions(config=str(box.config))))
        return made[-1]

    yield make
    for host in made:
        host.close()


def printed(output: Iterator[bytes]) -> str:
    """What a program has printed, without what sshd says on the way."""
    return re.sub(r"debug1: .*\r\n", "", b"".join(output).decode())


def opened(box: Sshd) -> int:
    """How many sessions the host has been asked for."""
    return box.log_file.read_text().count("server_input_channel_open: ctype session")


def test_the_next_one_is_open_before_a_program_has_ended(box: Sshd, there: Callable[[Sshd], There]) -> None:
    host, go_on = there(box), box.folder / "go on"
    program = f"until [ -f '{go_on}' ]; do echo; sleep 0.1; done; echo ends\n"
    output = host.talk(program.encode(), 60)
    next(output)
    wait_until(lambda: opened(box) == 2, "a second session", 20)
    go_on.touch()
    assert printed(output).split() == ["ends"]
    assert printed(host.talk(b"echo again\n", 60)) == "again\n"
    wait_until(lambda: opened(box) == 3, "one more, of which the second program was not in need", 20)


def test_a_host_may_allow_one_at_a_time(sshds: Make, there: Callable[[Sshd], There]) -> None:
    host = there(sshds(lines="MaxSessions 1"))
    for word in ("one", "two", "three"):
        assert printed(host.talk(f"echo {word}; sleep 0.2\n".encode(), 60)) == f"{word}\n"


def test_a_host_that_hangs_before_a_session_that_waits_is_used(box: Sshd, there: Callable[[Sshd], There]) -> None:
    host = there(box)
    assert printed(host.talk(b"echo one\n", 60)) == "one\n"
    wait_until(lambda: opened(box) == 2, "a second session", 20)
    began = time.monotonic()
    with stopped(*descendants(box.process.pid, "sshd")), pytest.raises(TimeoutError):
        printed(host.talk(b"echo two\n", 1))
    assert time.monotonic() - began < 60  # where a login shell is waited for, it is two minutes


@contextmanager
def stopped(*pids: int) -> Iterator[None]:
    """Processes that do nothing for a while."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


class Transport:
    """A transport whose sessions are what it is given, one after the other; an exception is raised."""

    def __init__(self, *sessions: Any) -> None:
        self.sessions = list(sessions)
        self.remote_version = "SSH-2.0-OpenSSH_9.2p1 Debian-2"
        self.saved_exception: Exception | None = None
        self.active = False

    def is_active(self) -> bool:
        """As paramiko's."""
        return self.active

    def open_session(self, timeout: float) -> Any:
        """As paramiko's."""
        session = self.sessions.pop(0)
        if isinstance(session, Exception):
            raise session
        return session


def session(*, closed: bool = False) -> Any:
    """A channel."""
    return SimpleNamespace(closed=closed)


def sessions(*given: Any) -> tuple[Sessions, Transport]:
    """Those of such a transport."""
    transport = Transport(*given)
    return Sessions(transport), transport  # type: ignore[arg-type]


FULL = paramiko.ChannelException(1, "Administratively prohibited")


def test_what_was_begun_is_taken_once() -> None:
    first, second, third = session(), session(), session()
    made, _ = sessions(first, second, third)
    assert made.take(5) is first
    made.begin(5)
    assert made.take(5) is second
    assert made.take(5) is third


@pytest.mark.parametrize("version", ["SSH-2.0-dropbear_2022.83", "SSH-2.0-", ""])
def test_on_other_hosts_none_is_begun(version: str) -> None:
    first, second = session(), session()
    made, transport = sessions(first, second)
    transport.remote_version = version
    assert made.take(5) is first
    made.begin(5)
    assert transport.sessions == [second]
    assert made.take(5) is second


@pytest.mark.parametrize(("version", "waits"), [("SSH-2.0-dropbear_2022.83", True), ("SSH-2.0-OpenSSH_9.2p1", False)])
def test_dropbear_has_said_that_a_program_has_ended_before_the_next_one_begins(version: str, waits: bool) -> None:
    made, transport = sessions()
    transport.remote_version = version
    steps: list[str] = []
    status = SimpleNamespace(wait=lambda seconds: steps.append("has ended"))
    made.end(SimpleNamespace(status_event=status, close=lambda: steps.append("close")))  # type: ignore[arg-type]
    assert steps == (["has ended", "close"] if waits else ["close"])


def test_one_that_the_host_has_ended_or_refused_is_not_taken() -> None:
    good, other = session(), session()
    made, _ = sessions(session(closed=True), good, FULL, FULL, other)
    made.begin(5)
    assert made.take(5) is good
    made.begin(5)
    assert made.take(5) is other


def test_a_host_that_allows_none_is_asked_for_some_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nbfab.ssh.sessions.FREE", 0.2)
    made, _ = sessions(*[FULL] * 50)
    with pytest.raises(paramiko.ChannelException, match="Administratively prohibited"):
        made.take(5)


def test_what_has_ended_the_connection_is_left_to_the_program_that_runs() -> None:
    cut = OSError("cut")
    made, transport = sessions(cut, OSError("later"))
    made.begin(5)
    with pytest.raises(OSError, match="later"):
        made.take(5)
    assert transport.saved_exception is cut
