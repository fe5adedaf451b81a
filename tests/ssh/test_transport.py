"""paramiko's Transport, as it is used: what would have sshd end a connection is not sent."""

import contextlib
import getpass
import socket
import sys
import threading
from collections.abc import Iterator

import paramiko
import pytest
from sshd import Sshd

from nbfab.ssh.transport import Transport

OPEN, DATA, EOF, CLOSE, REQUEST = 91, 94, 96, 97, 98


def message(kind: int, channel: int) -> paramiko.Message:
    made = paramiko.Message()
    made.add_byte(bytes([kind]))
    made.add_int(channel)
    made.add_string(b"text")
    return made


@pytest.fixture
def transport() -> Iterator[Transport]:
    ours, theirs = socket.socketpair()
    with theirs:
        made = Transport(ours)
        yield made
        made.close()


def test_nothing_is_sent_on_a_channel_after_its_end(transport: Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[int, int]] = []

    def send(data: paramiko.Message) -> None:
        text = data.asbytes()
        sent.append((text[0], int.from_bytes(text[1:5])))

    monkeypatch.setattr(transport.packetizer, "send_message", send)
    for kind, channel in [(DATA, 7), (CLOSE, 7), (DATA, 7), (EOF, 7), (CLOSE, 7), (DATA, 8)]:
        transport._send_message(message(kind, channel))
    assert sent == [(DATA, 7), (CLOSE, 7), (DATA, 8)]
    sent.clear()
    # Both sides may give its number to another one.
    for kind, channel in [(OPEN, 7), (DATA, 7), (CLOSE, 7), (DATA, 7), (CLOSE, 8)]:
        transport._send_message(message(kind, channel))
    assert sent == [(OPEN, 7), (DATA, 7), (CLOSE, 7), (CLOSE, 8)]
    sent.clear()
    opened = paramiko.Message()
    for number in (1, 8, 1000, 1000):
        opened.add_int(number)
    opened.rewind()
    transport._parse_channel_open_success(opened)
    for kind, channel in [(REQUEST, 8), (REQUEST, 7)]:
        transport._send_message(message(kind, channel))
    assert sent == [(REQUEST, 8)]


@pytest.mark.parametrize("compresses", [True, False])
def test_connections_that_end_while_they_carry_do_not_end_the_one_that_carries_them(
    box: Sshd, compresses: bool
) -> None:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)  # so that threads get in each other's way
    transport = Transport(socket.create_connection(("127.0.0.1", box.port)), compresses=compresses)
    try:
        transport.start_client(timeout=30)
        transport.auth_publickey(getpass.getuser(), paramiko.Ed25519Key(filename=str(box.identity)))
        port = transport.request_port_forward("127.0.0.1", 0, lambda channel, origin, server: carry(channel))
        clients = [threading.Thread(target=come_and_go, args=(port, 50)) for _ in range(16)]
        for client in clients:
            client.start()
        for client in clients:
            while client.is_alive() and transport.is_active():
                transport.renegotiate_keys()  # as after half a gigabyte
                client.join(0.2)
        assert transport.is_active()
    finally:
        sys.setswitchinterval(interval)
        transport.close()


def carry(channel: paramiko.Channel) -> None:
    """Sends for as long as the other end takes it; and ends it from another thread once something comes."""

    def send() -> None:
        with contextlib.suppress(Exception):
            while True:
                channel.sendall(bytes(4000))

    def end() -> None:
        with contextlib.suppress(Exception):
            channel.recv(10)
            channel.shutdown(1)
        with contextlib.suppress(Exception):
            channel.close()

    for does in (send, end):
        threading.Thread(target=does, daemon=True).start()


def come_and_go(port: int, times: int) -> None:
    for _ in range(times):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=10) as client:
            client.recv(100)
            client.sendall(b"bye")
