"""What goes over paramiko's connections is compressed, up to a point."""

import getpass
import os
import socket
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paramiko
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sshd import Sshd

from nbfab.look import look
from nbfab.program import functions
from nbfab.ssh.compression import LONGEST, MOST, Compressor, Decompressor
from nbfab.ssh.transport import Transport


@given(st.lists(st.binary(max_size=3000), max_size=20))
def test_what_is_compressed_comes_out_packet_by_packet(packets: list[bytes]) -> None:
    compress, decompress, whole = Compressor(), Decompressor(), zlib.decompressobj()
    for packet in packets:
        packed = compress(packet)
        assert decompress(packed) == whole.decompress(packed) == packet


def test_text_becomes_shorter_up_to_a_point_and_then_costs_nothing() -> None:
    compress, whole = Compressor(), zlib.decompressobj()
    text = b"".join(b"line %d of a program\n" % number for number in range(1500))
    sizes = []
    for _ in range(2 * MOST // len(text)):
        packed = compress(text)
        assert whole.decompress(packed) == text
        sizes.append(len(packed))
    assert sizes[0] < len(text) / 3
    assert len(text) <= sizes[-1] < len(text) + 50


def test_a_packet_that_becomes_very_long_is_refused() -> None:
    packed = zlib.compress(bytes(300 * LONGEST))
    assert len(packed) < LONGEST / 2
    with pytest.raises(paramiko.SSHException, match="a packet of it becomes longer than 1000000 bytes"):
        Decompressor()(packed)
    assert Decompressor()(zlib.compress(bytes(LONGEST))) == bytes(LONGEST)


def test_what_is_not_compressed_ends_the_connection_with_a_reason() -> None:
    with pytest.raises(paramiko.SSHException, match="what it has compressed cannot be read: Error -3"):
        Decompressor()(b"as it is")


class Counting(socket.socket):
    """A socket that counts the bytes that it sends."""

    sent = 0

    def send(self, data: Any, flags: int = 0) -> int:
        """As socket's."""
        done = super().send(data, flags)
        self.sent += done
        return done


@contextmanager
def logged_in(box: Sshd) -> Iterator[tuple[Transport, Counting]]:
    """A connection to it, and its socket."""
    link = Counting(fileno=socket.create_connection(("127.0.0.1", box.port)).detach())
    transport = Transport(link, compresses=True)
    try:
        transport.start_client(timeout=30)
        transport.auth_publickey(getpass.getuser(), paramiko.Ed25519Key(filename=str(box.identity)))
        yield transport, link
    finally:
        transport.close()


def comes_back(transport: Transport, data: bytes) -> bool:
    """Whether `cat` on the host prints what it is sent."""
    channel = transport.open_session(timeout=30)
    channel.settimeout(60)
    channel.exec_command("cat")

    def send() -> None:
        channel.sendall(data)
        channel.shutdown_write()

    threading.Thread(target=send, daemon=True).start()
    got = bytearray()
    while part := channel.recv(65536):
        got += part
    return bytes(got) == data


@pytest.mark.real
@pytest.mark.parametrize("lines", ["", "RekeyLimit 300K"], ids=["one set of keys", "keys that change"])
def test_sshd_understands_it_beyond_that_point_too(lines: str, tmp_path: Path) -> None:
    with Sshd(tmp_path / "box", lines=lines) as box, logged_in(box) as (transport, _):
        assert transport.local_compression == "zlib@openssh.com"
        assert comes_back(transport, b"text " * 300_000 + os.urandom(500_000) + b"text " * 1000)
        assert comes_back(transport, b"more")
        assert (box.log.count("set_newkeys: rekeying") > 1) == bool(lines)


@pytest.mark.real
def test_a_host_that_compresses_nothing_is_spoken_with_as_well(tmp_path: Path) -> None:
    with Sshd(tmp_path / "box", lines="Compression no") as box, logged_in(box) as (transport, _):
        assert transport.local_compression == "none"
        assert comes_back(transport, b"text")


@pytest.mark.real
def test_what_looks_at_a_host_gets_there_at_once(box: Sshd) -> None:
    """That is, within the ten packets that a host far away gets before it has to answer (RFC 6928)."""
    program = functions(*look.FILES, "look/cluster").encode()
    with logged_in(box) as (transport, link):
        before = link.sent
        assert comes_back(transport, program)
        assert link.sent - before < 10 * 1448 < len(program)
