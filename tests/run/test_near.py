"""What is seen of a host from here."""

import socket
from collections.abc import Iterable, Iterator
from contextlib import ExitStack

import pytest
from sshd import free_port

from nbfab.errors import (
    ConnectError,
    Denied,
    Dropped,
    HostError,
    HostKeyError,
    Incompatible,
    NbfabError,
    NoAnswer,
    NoLogin,
    NoName,
    NoShell,
    Penalized,
)
from nbfab.host import Here
from nbfab.run import near as nears


class Talking(Here):
    """A host that prints that."""

    def __init__(self, *data: bytes) -> None:
        self.data = data

    def talk(self, program: bytes, silence: float, more: Iterable[bytes] = ()) -> Iterator[bytes]:
        yield from self.data


@pytest.mark.parametrize(
    ("error", "stage"),
    [
        (NoName("no such name"), "name"),
        (NoAnswer("refused"), "tcp"),
        (ConnectError("jump host gate: denied", jump="gate"), "tcp"),
        (Dropped("it hung up"), "host key"),
        (Incompatible("no cipher in common"), "host key"),
        (HostKeyError("changed"), "host key"),
        (Denied("denied"), "login"),
        (Penalized("refused for a while"), "login"),
        (NoLogin("no answer"), "login"),
        (NoShell("it ran nothing"), "login shell"),
        (HostError("it stopped midway"), "login shell"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, NbfabError) else str(value),
)
def test_an_error_says_at_which_layer_a_connection_failed(error: NbfabError, stage: str) -> None:
    near = nears.of(Here(), nears.Listener(Here()), 1.0, error)
    assert (near.ends, near.why) == (stage, str(error))


def test_a_connection_that_is_cut_while_a_program_runs_is_the_login_shell_s() -> None:
    listener = nears.Listener(Talking(b"nbfab-begins-1\n"))
    assert b"".join(listener.talk(b"", 1)) == b"nbfab-begins-1\n"
    assert nears.of(Here(), listener, 1.0, ConnectError("cut")).ends == "login shell"


@pytest.mark.parametrize(
    ("data", "noise"),
    [
        ((b"nbfab-begins-1\n{}\n",), ()),
        ((b"Hello\n\n  you  \nnbfab-be", b"gins-1\nlater\n"), ("Hello", "you")),
        ((b"no newline: nbfab-begins-1\n",), ("no newline:",)),
        ((b"debug1: permanently_set_uid\n\xff\nnbfab-begins-1\n",), ("\ufffd",)),
        ((b"x" * 300_000, b"y"), ()),
    ],
)
def test_noise_is_what_comes_before_the_first_program(data: tuple[bytes, ...], noise: tuple[str, ...]) -> None:
    listener = nears.Listener(Talking(*data))
    assert b"".join(listener.talk(b"", 1)) == b"".join(data)
    assert listener.noise == noise


def test_how_a_port_takes_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nears, "SECONDS", 0.5)
    assert nears._try_port("127.0.0.1", free_port()) == "refused"
    assert nears._try_port("x" * 64, 1) == "unreachable"
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, ExitStack() as stack:
        port = listener.getsockname()[1]
        assert nears._try_port("127.0.0.1", port) == "open"
        # Once its queue is full, the kernel drops what else comes, as a firewall does.
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", port))
        assert nears._try_port("127.0.0.1", port) == "silent"
