"""The proxy over pairs of sockets: its secret, its targets, its limits."""

import base64
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from sshd import wait_until

from nbfab.lend.proxy import Limits, Proxy, Stream

INDEX = "index.example"
SHORT = Limits(head=0.3, turn=0.3, idle=0.5)


class Far:
    """What the proxy connects to: the far ends of its connections, and which hosts they were for."""

    def __init__(self) -> None:
        self.hosts: list[str] = []
        self.ends: list[socket.socket] = []
        self.fails = False

    def dial(self, host: str) -> Stream:
        if self.fails:
            raise ConnectionRefusedError
        near, far = socket.socketpair()
        self.hosts.append(host)
        self.ends.append(far)
        return near


@pytest.fixture
def far() -> Far:
    return Far()


@pytest.fixture
def make(far: Far) -> Iterator[Callable[..., Proxy]]:
    with contextlib.ExitStack() as stack:

        def made(limits: Limits = SHORT) -> Proxy:
            proxy = Proxy({INDEX}, far.dial, limits)
            stack.callback(proxy.close)
            return proxy

        yield made


def connected(proxy: Proxy, said: bytes = b"") -> socket.socket:
    """A client's end of a connection, over which that was sent."""
    ours, theirs = socket.socketpair()
    ours.settimeout(10)
    proxy.accept(theirs)
    with contextlib.suppress(BrokenPipeError):  # of a proxy that is closed
        ours.sendall(said)
    return ours


def request(proxy: Proxy, target: str = f"{INDEX}:443", method: str = "CONNECT", secret: str = "") -> bytes:
    basic = base64.b64encode(f"nbfab:{secret or proxy.secret}".encode()).decode()
    return f"{method} {target} HTTP/1.1\r\nProxy-Authorization: Basic {basic}\r\n\r\n".encode()


def status(client: socket.socket) -> int:
    """The status that comes; 0 for an end without one."""
    text = b""
    while b"\r\n\r\n" not in text:
        part = b""
        with contextlib.suppress(ConnectionResetError):  # which is one, too
            part = client.recv(4096)
        if not part:
            return 0
        text += part
    return int(text.split()[1])


def tunnel(proxy: Proxy) -> socket.socket:
    client = connected(proxy, request(proxy))
    assert status(client) == 200
    return client


def test_what_goes_through_is_whole_and_counted(make: Callable[..., Proxy], far: Far) -> None:
    proxy = make()
    client = connected(proxy, request(proxy) + b"hello")
    assert status(client) == 200
    assert far.hosts == [INDEX]
    assert far.ends[0].recv(5) == b"hello"
    data = bytes(range(256)) * 4096

    def sends() -> None:
        far.ends[0].sendall(data)
        far.ends[0].shutdown(1)

    threading.Thread(target=sends, daemon=True).start()
    got = b""
    while part := client.recv(65536):
        got += part
    assert got == data
    client.sendall(b"bye")
    client.shutdown(1)
    assert far.ends[0].recv(10) == b"bye"
    assert far.ends[0].recv(10) == b""
    assert proxy.size == len(data) + len("hellobye")


@pytest.mark.parametrize(
    ("target", "method"),
    [
        ("other.example:443", "CONNECT"),
        (f"{INDEX}:22", "CONNECT"),
        (f"{INDEX}.other.example:443", "CONNECT"),
        ("127.0.0.1:443", "CONNECT"),
        (f"https://{INDEX}/", "GET"),
    ],
)
def test_another_target_is_refused_and_kept_for_the_report(
    make: Callable[..., Proxy], far: Far, target: str, method: str
) -> None:
    proxy = make()
    assert status(connected(proxy, request(proxy, target, method))) == 403
    assert proxy.refused == [target]
    assert not far.hosts


def test_without_the_secret_nothing_is_learnt_and_nothing_kept(make: Callable[..., Proxy], far: Far) -> None:
    proxy = make()
    for target in (f"{INDEX}:443", "other.example:443"):
        assert status(connected(proxy, request(proxy, target, secret="guessed"))) == 407
        assert status(connected(proxy, f"CONNECT {target} HTTP/1.1\r\n\r\n".encode())) == 407
    assert status(connected(proxy, b"\x16\x03\x01 no request\r\n\r\n")) == 400
    assert status(connected(proxy, b"CONNECT x HTTP/1.1\r\n" + b"a: b\r\n" * 3000)) == 400
    assert not proxy.refused
    assert not far.hosts


@pytest.mark.parametrize("drip", [False, True])
def test_who_does_not_show_the_secret_in_time_is_cut(make: Callable[..., Proxy], drip: bool) -> None:
    proxy = make()
    client = connected(proxy, b"CONNECT ")
    began = time.monotonic()
    if drip:  # a byte now and then is no more time
        ends = threading.Event()

        def drips() -> None:
            with contextlib.suppress(OSError):
                while not ends.wait(0.05):
                    client.sendall(b"x")

        threading.Thread(target=drips, daemon=True).start()
    with contextlib.suppress(ConnectionResetError):
        assert client.recv(10) == b""
    assert time.monotonic() - began < 5
    if drip:
        ends.set()


def test_who_waits_with_the_secret_unshown_takes_no_slot(make: Callable[..., Proxy]) -> None:
    proxy = make(Limits(tunnels=1, waiting=3, head=30))
    silent = [connected(proxy) for _ in range(10)]
    wait_until(lambda: sum(map(_ended, silent)) == 7, "all but three to be cut, those that waited longest")
    assert tunnel(proxy)


def _ended(client: socket.socket) -> bool:
    client.settimeout(0.05)
    try:
        return client.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionResetError:
        return True


def test_tunnels_are_bounded_and_a_slot_comes_free(make: Callable[..., Proxy], far: Far) -> None:
    proxy = make(Limits(tunnels=2, turn=1))
    first, _second = tunnel(proxy), tunnel(proxy)
    assert status(connected(proxy, request(proxy))) == 503
    first.close()
    far.ends[0].close()
    assert status(connected(proxy, request(proxy))) == 200


def test_bytes_are_bounded(make: Callable[..., Proxy], far: Far) -> None:
    proxy = make(Limits(size=100_000))
    client = tunnel(proxy)
    with contextlib.suppress(OSError):
        for _ in range(100):
            far.ends[0].sendall(b"x" * 10_000)
    got = 0
    with contextlib.suppress(ConnectionResetError):
        while part := client.recv(65536):
            got += len(part)
    assert got <= 100_000
    assert status(connected(proxy, request(proxy))) == 0


def test_time_is_bounded(make: Callable[..., Proxy]) -> None:
    client = tunnel(make(Limits(seconds=0.3)))
    assert client.recv(1) == b""


def test_a_silent_tunnel_ends_and_one_with_traffic_does_not(make: Callable[..., Proxy], far: Far) -> None:
    proxy = make()
    busy, silent = tunnel(proxy), tunnel(proxy)
    for _ in range(12):
        far.ends[0].sendall(b"x")
        assert busy.recv(1) == b"x"
        time.sleep(0.1)  # more than twice as long as a tunnel may be silent, in all
    assert silent.recv(1) == b""


def test_an_address_that_does_not_answer(make: Callable[..., Proxy], far: Far) -> None:
    far.fails = True
    proxy = make()
    assert status(connected(proxy, request(proxy))) == 502


def test_closing_ends_everything(make: Callable[..., Proxy]) -> None:
    proxy = make(Limits())
    clients = [tunnel(proxy), connected(proxy)]
    wait_until(lambda: proxy._waiting, "one that waits")
    proxy.close()
    assert [client.recv(1) for client in clients] == [b"", b""]
    assert status(connected(proxy, b"")) == 0


def test_the_secret_is_in_the_url_alone(make: Callable[..., Proxy]) -> None:
    proxy, other = make(), make()
    assert proxy.secret != other.secret
    assert len(proxy.secret) >= 32
    assert proxy.url(4000) == f"http://nbfab:{proxy.secret}@127.0.0.1:4000"
    assert proxy.secret not in repr(proxy)
