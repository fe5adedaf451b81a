"""Who is at the other end: addresses, and the users of this machine by their sockets."""

import ipaddress
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbfab.server import uids
from nbfab.server.peers import Peers, network


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        ("/run/socket", "unknown"),
        ("999.1.1.1", "unknown"),
    ],
)
def test_what_counts_as_one_address(address: str, key: str) -> None:
    assert network(address) == key


@given(st.ip_addresses(v=6), st.integers(0, 2**64 - 1))
def test_all_of_a_64_is_one(address: ipaddress.IPv6Address, other: int) -> None:
    twin = ipaddress.IPv6Address(int(address) >> 64 << 64 | other)
    assert "ffff:" in str(address) or "ffff:" in str(twin) or network(str(address)) == network(str(twin))


@given(st.text())
def test_any_text_is_some_key(text: str) -> None:
    assert len(network(text)) <= 64


# As Linux 6.1 writes it on a little-endian machine: one that listens, an open one, and one that was closed.
TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:270F 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1060 1 000 100 0 0 10 0
   1: 0100007F:C64B 0100007F:270F 01 00000000:00000000 00:00000000 00000000  1001        0 6129941 2 000 20 4 0 11 -1
   2: 0100007F:C73A 0100007F:270F 06 00000000:00000000 03:0000176F 00000000     0        0 0 3 000
   3: 0100007F:C73B 0200007F:270F 01 00000000:00000000 00:00000000 00000000  1002        0 6129942 2 000 20 4 0 11 -1
"""
MAPPED = "0000000000000000FFFF00000100007F"
TABLE6 = f"""\
   0: {MAPPED}:C73A {MAPPED}:270F 01 00000000:00000000 00:00000000 00000000  1003        0 8 2 000
   1: 00000000000000000000000001000000:0001 00000000000000000000000001000000:270F 01 0:0 00:0 0  1004        0 9 2 000
"""


@pytest.mark.skipif(sys.byteorder == "big", reason="the tables are those of a little-endian machine")
@pytest.mark.parametrize(
    ("table", "client", "port", "uid"),
    [
        (TABLE, "127.0.0.1", 0xC64B, 1001),
        (TABLE, "127.0.0.1", 0xC73A, None),  # closed, so it shows root as its user
        (TABLE, "127.0.0.1", 0xC73B, None),  # connected to another address
        (TABLE, "127.0.0.1", 0x270F, None),
        (TABLE, "127.0.0.2", 0xC64B, None),
        (TABLE6, "127.0.0.1", 0xC73A, 1003),
        (TABLE6, "::1", 1, 1004),
        ("", "::1", 1, None),
    ],
)
def test_a_table_of_sockets(table: str, client: str, port: int, uid: int | None) -> None:
    server = "::1" if client == "::1" else "127.0.0.1"
    assert uids.find(table, (ipaddress.ip_address(client), port), (ipaddress.ip_address(server), 0x270F)) == uid


CONNECT = """
import socket, sys
client = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
client.connect((sys.argv[1], int(sys.argv[2])))
sys.stdin.read()
"""


@contextmanager
def connected(listener: str, client: str, uid: int | None) -> Iterator[socket.socket]:
    """The server's end of a connection by a process of a user."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.socket(socket.AF_INET6 if ":" in listener else socket.AF_INET))
        if listener == "::":
            server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        server.bind((listener, 0))
        server.listen()
        command = ["/usr/bin/python3", "-I", "-c", CONNECT, client, str(server.getsockname()[1])]
        process = stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, user=uid, group=uid, cwd="/"))
        stack.callback(process.kill)
        server.settimeout(30)
        yield stack.enter_context(server.accept()[0])


def asked(end: socket.socket, remote_ip: str = "") -> SimpleNamespace:
    """A request that comes by a socket, and is said to be from an address."""
    connection = SimpleNamespace(stream=SimpleNamespace(socket=end))
    return SimpleNamespace(connection=connection, remote_ip=remote_ip or end.getpeername()[0])


WAYS = [("127.0.0.1", "127.0.0.1"), ("127.0.0.1", "::ffff:127.0.0.1"), ("::1", "::1"), ("::", "127.0.0.1")]


@pytest.mark.parametrize("asks", [True, False])
@pytest.mark.parametrize(("listener", "client"), WAYS)
def test_a_local_user_is_told_by_the_socket(
    listener: str, client: str, asks: bool, second_uid: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By asking the kernel, and by its table where it cannot be asked."""
    if not asks:
        monkeypatch.setattr(uids, "SOCK_DIAG", 31)
    with connected(listener, client, None) as mine, connected(listener, client, second_uid) as theirs:
        peers = Peers()
        assert peers.of(asked(mine)).owner
        assert peers.of(asked(theirs))[:2] == (f"uid {second_uid}", False)
        assert f"(uid {second_uid})" in peers.of(asked(theirs)).text


def test_where_nothing_tells_the_user_loopback_is_one_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on macOS, where there is neither."""
    monkeypatch.delattr(socket, "AF_NETLINK")
    monkeypatch.setattr(uids, "TABLES", ("/nonexistent",))
    with connected("127.0.0.1", "127.0.0.1", None) as end:
        assert Peers().of(asked(end)) == ("loopback", False, "127.0.0.1")


def test_a_socket_that_was_closed_is_no_one_s() -> None:
    """Linux gives its user as root."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        client = stack.enter_context(socket.create_connection(server.getsockname()))
        end = stack.enter_context(server.accept()[0])
        peers = Peers()
        assert peers.of(asked(end)).owner
        client.close()
        end.settimeout(30)
        assert end.recv(1) == b""
        assert peers.of(asked(end))[:2] == ("loopback", False)


def test_a_socket_that_listens_is_not_one_that_is_connected() -> None:
    """For a connection that is gone, Linux tells of one at the same port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        end = (ipaddress.ip_address("127.0.0.1"), server.getsockname()[1])
        assert uids.Uids().of(end, (end[0], 9)) is None
        with socket.create_connection(server.getsockname()) as client:
            assert uids.Uids().of((end[0], client.getsockname()[1]), end) == os.getuid()


@pytest.mark.parametrize("forwarded", ["192.0.2.1", "127.0.0.2", "::1"])
def test_whom_a_trusted_proxy_names_is_no_local_user(forwarded: str) -> None:
    with connected("127.0.0.1", "127.0.0.1", None) as end:
        assert Peers().of(asked(end, forwarded)) == (network(forwarded), False, forwarded)


def test_a_connection_that_is_not_of_tcp_is_not_the_owner() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert Peers().of(asked(ours, "0.0.0.0")) == ("0.0.0.0", False, "0.0.0.0")
    assert not Peers().of(SimpleNamespace(connection=None, remote_ip="127.0.0.1")).owner
