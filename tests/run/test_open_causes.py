"""Open, when it is not the link that has failed: what the user is told, and what comes back by itself."""

import contextlib
import os
import signal
import socket

import pytest
from machine import PASSWORD, Machine, end_servers
from notebook_client import Notebook
from opened import Page, opened
from sshd import wait_until


@pytest.fixture
def there(there: Machine) -> Machine:
    """A host whose server runs."""
    there.program = "nbfab"
    there.ok("setup")
    return there


def end_server(there: Machine) -> None:
    """The server is gone, as after a crash."""
    there.kill_server()


def asks(port: int) -> None:
    """What a page does that looks for its server."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 10) as page:
        page.sendall(b"hello")
        page.recv(1)


def answers(there: Machine, page: Page) -> None:
    assert Notebook(page.port, there.folder, PASSWORD).get("/api")["version"]


def reloads(there: Machine, page: Page) -> bool:
    """Whether the page comes, which is not known from the first moment on."""
    try:
        answers(there, page)
    except OSError:
        return False
    return True


def test_a_server_that_has_ended_is_told_from_a_lost_link(there: Machine) -> None:
    with opened(there, "--no-browser") as page:
        answers(there, page)
        end_server(there)

        def is_told() -> bool:
            asks(page.port)  # again, as a page does: the first may have reached a server that was just ending
            return "has ended; to start it: nbfab" in page.said

        wait_until(is_told, "a word of it")
        assert "-H box start" in page.said
        there.ok("start")
        page.prints("answers again")
        answers(there, page)
        assert "trying again" not in page.said


def test_a_relay_that_was_killed_is_started_again(there: Machine) -> None:
    with opened(there, "--no-browser") as page:
        answers(there, page)
        pid = int((there.folder / "relay-1.started").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)
        page.prints("nbfab's relay there had ended, and was started again")
        wait_until(lambda: reloads(there, page), "the page to come back")
        assert "connect" not in page.said.partition("Control-C")[2], "which takes no other connection"
        assert there.server, "the server is not the relay's matter"


def test_all_that_ran_there_has_ended(there: Machine) -> None:
    with opened(there, "--no-browser") as page:
        answers(there, page)
        end_servers({there.home: there.tmux})
        pid = int((there.folder / "relay-1.started").read_text().split()[0])
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        page.prints("to start it: nbfab")
        there.ok("start")
        page.prints("answers again")
        answers(there, page)


def test_what_stop_has_ended_stays_so_until_start(there: Machine) -> None:
    assert there.sshd
    with opened(there, "--no-browser") as page:
        answers(there, page)
        logins = there.sshd.connections
        there.ok("stop")
        page.prints("to start it: nbfab")
        assert not (there.folder / "relay-1").exists()
        there.ok("start")
        page.prints("answers again")
        answers(there, page)
        assert there.sshd.connections == logins, "all of that went over the one connection"
        assert page.said.count("to start it") == 1
