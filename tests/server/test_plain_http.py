"""Plain HTTP on the port of TLS, on the three servers: a redirect to https, whatever else is sent there."""

import contextlib
import logging
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from issuers import three
from notebook_servers import FIRST, Browser, Kind, Server, run
from sshd import wait_until
from tornado.httpserver import HTTPServer
from tornado.tcpserver import TCPServer

from nbfab.plan import pem
from nbfab.server import plain_http
from nbfab.server.handshake import go_on
from nbfab.server.redirects import answer

NAMES = ("localhost", "127.0.0.1", "::1")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A certificate and its key, for loopback."""
    file = tmp_path_factory.mktemp("certificate") / "nbserver.pem"
    file.write_text(pem.make(NAMES, 30, time.time(), time.time()))
    return str(file)


@pytest.fixture(scope="module")
def secure(kind: Kind, certificate: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of each kind that speaks https, at all addresses."""
    server = Server(tmp_path_factory.mktemp("secure") / "profile", kind, ip="*", certificate=certificate)
    yield server
    server.stop()


def said(server: Server, sent: bytes, address: str = "127.0.0.1") -> bytes:
    """All that a server says to those bytes before it hangs up, by itself."""
    with socket.create_connection((address, server.port), timeout=20) as connection:
        connection.sendall(sent)
        found = b""
        with contextlib.suppress(ConnectionResetError):
            while data := connection.recv(65536):
                found += data
    return found


def location(answer: bytes) -> str:
    """Where an answer leads; empty if nowhere."""
    head = answer.partition(b"\r\n\r\n")[0].decode("ascii")
    return next((line[10:] for line in head.split("\r\n") if line.startswith("Location: ")), "")


def test_curl_gets_from_http_to_https(secure: Server) -> None:
    url = f"http://localhost:{secure.port}/login?next=%2Ftree%3Fa%3D1"
    words = ["curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", "30"]
    for more in ([], ["--head"]):
        done = subprocess.run([*words, *more, "--include", url], capture_output=True, text=True, check=True)
        assert done.stdout.startswith("HTTP/1.1 307 ")
        assert f"\nLocation: {url.replace('http', 'https', 1)}\n" in done.stdout.replace("\r", "")
        assert "\nConnection: close\n" in done.stdout.replace("\r", "")
    followed = [*words, "--location", "--cacert", secure.certificate, "--output", "/dev/null", "-w", "%{http_code}"]
    assert subprocess.run([*followed, url], capture_output=True, text=True, check=True).stdout == "200"


def test_what_is_posted_in_the_clear_is_not_sent_on(secure: Server) -> None:
    body = b"password=secret&_xsrf=1" + b"x" * 20000
    head = b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body)
    found = said(secure, head + body)
    assert found.startswith(b"HTTP/1.1 400 ")
    assert b"others may have read it" in found
    assert not location(found)


BAD = """Host:|Host: a b|Host: a\tb|Host: é|Host: evil.test/path|Host: u@evil.test|Host: evil.test\\@x|Host: evil.test#
Host: evil.test:99999|Host: evil.test:0|Host: a.test:80:80|Host: [::1|Host: [fe80::1%25eth0]|Host: ]:1""".replace(
    "\n", "|"
)


@pytest.mark.parametrize("host", ["", *BAD.split("|"), "Host: a.test\r\nHost: b.test", f"Host: {'a' * 254}"])
def test_without_a_valid_host_it_leads_to_where_the_connection_is(host: str, secure: Server) -> None:
    request = "\r\n".join(["GET /tree HTTP/1.0", *([host] if host else []), "", ""]).encode()
    assert location(said(secure, request)) == f"https://127.0.0.1:{secure.port}/tree"
    assert location(said(secure, request, "::1")) == f"https://[::1]:{secure.port}/tree"


HOSTS = {"gpu1:8888": "gpu1:8888", "gpu1.lab.example": "gpu1.lab.example:80", "[2001:db8::1]:9": "[2001:db8::1]:9"}


@pytest.mark.parametrize(("host", "leads"), HOSTS.items())
def test_a_valid_host_stays(host: str, leads: str, secure: Server) -> None:
    """Also another than the server's own: a tunnel may lead here. Without a port it is the 80 of plain HTTP."""
    request = f"GET //evil.test/..\\a?b HTTP/1.1\r\nuser-agent: x\r\nhost:{host}\r\n\r\n".encode()
    assert location(said(secure, request)) == f"https://{leads}//evil.test/..\\a?b"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\0\1\2", b""),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", b"HTTP/1.1 400 "),
        (b"GET http://evil.test/ HTTP/1.1\r\n\r\n", b"HTTP/1.1 400 "),
        (b"GET / HTTP/2.0\r\n\r\n", b"HTTP/1.1 400 "),
        (b"GET /\xe9 HTTP/1.1\r\n\r\n", b"HTTP/1.1 400 "),
        (b"GET / HTTP/1.1\r\nA: " + b"a" * 9000 + b"\r\n\r\n", b""),
        (b"G", b""),  # and nothing more
    ],
)
def test_garbage_gets_a_short_answer_or_none(sent: bytes, status: bytes, secure: Server) -> None:
    began, found = time.monotonic(), said(secure, sent)
    assert found.startswith(status)
    assert bool(found) == bool(status)
    assert time.monotonic() - began < plain_http.HEAD + 5


def test_silent_connections_keep_no_one_waiting(secure: Server) -> None:
    """Those that say nothing, those that stop in a request, and more of them than are waited for."""
    before, after = 100, plain_http.MOST + 100

    def seconds() -> float:
        began = time.monotonic()
        assert browser.request("GET", "/api").status == 200
        return time.monotonic() - began

    browser = Browser(secure)
    alone = sorted(seconds() for _ in range(9))[4]
    with contextlib.ExitStack() as stack:
        silent = [
            stack.enter_context(socket.create_connection(("127.0.0.1", secure.port), timeout=20)) for _ in range(before)
        ]
        for connection in silent[:50]:
            connection.sendall(b"GET / HT")
        beside = sorted(seconds() for _ in range(9))[4]
        assert beside < 5 * alone + 0.1
        for _ in range(after - before):
            stack.enter_context(socket.create_connection(("127.0.0.1", secure.port), timeout=20))
        assert seconds() < 5 * alone + 0.5
        assert silent[0].recv(1) == b""  # the one that was silent longest has given way
        assert silent[99].recv(1) == b""
    wait_until(lambda: seconds() < 5 * alone + 0.1, seconds=20, what="an answer as before")


def test_a_late_handshake_and_a_websocket_are_as_ever(secure: Server) -> None:
    browser = Browser(secure)
    late = secure.connect()
    with socket.create_connection(("127.0.0.1", secure.port), timeout=20) as raw, contextlib.closing(late):
        assert browser.logs_in(FIRST)  # meanwhile
        late.sock = late._context.wrap_socket(raw, server_hostname="127.0.0.1")  # type: ignore[attr-defined]
        late.request("GET", "/api")
        assert late.getresponse().status == 200
    assert run(browser.channels(), "6 * 7") == "42"


def test_where_clients_need_a_certificate_it_leads_there_all_the_same(
    kind: Kind, certificate: str, tmp_path: Path
) -> None:
    """The first byte is looked at before TLS asks for one."""
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=ann -keyout k -out c"
    more = "-addext extendedKeyUsage=clientAuth -addext basicConstraints=critical,CA:FALSE"
    subprocess.run(f"{words} {more}".split(), cwd=tmp_path, check=True, capture_output=True)
    client = tmp_path / "client.pem"
    client.write_text((tmp_path / "k").read_text() + (tmp_path / "c").read_text())
    server = Server(tmp_path / "profile", kind, certificate=certificate, client=str(client))
    try:
        assert Browser(server).logs_in(FIRST)
        assert location(said(server, b"GET /x HTTP/1.0\r\n\r\n")) == f"https://127.0.0.1:{server.port}/x"
        server.client = ""
        with pytest.raises(OSError, match=r"certificate required|EOF occurred|reset"):  # that word may be lost
            Browser(server).request("GET", "/api")
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("before", "after"),
    [("P-256", "P-256"), ("P-256", "P-384"), ("RSA-2048", "P-256"), ("P-256", "RSA-2048"), ("RSA-2048", "RSA-2048")],
)
def test_a_certificate_that_is_replaced_between_two_reads_is_read_again(
    before: str, after: str, tmp_path: Path
) -> None:
    old, new, key = three("box", kind=before), tmp_path / "new.pem", tmp_path / "key.pem"
    (tmp_path / "old.pem").write_text(old.secret() + old.chain)
    newer = three("box", kind=after)
    new.write_text(newer.secret() + newer.chain)
    key.write_text(newer.secret())
    reads = [(tmp_path / "old.pem", key), (new, new)]

    def stock() -> None:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*reads.pop(0))

    go_on(stock)
    assert not reads


def test_another_error_of_tls_is_none_to_try_again() -> None:
    error = ssl.SSLError(1, "no")
    error.reason = "NO_SHARED_CIPHER"
    called: list[int] = []

    def stock() -> None:
        called.append(1)
        raise error

    with pytest.raises(ssl.SSLError, match="no"):
        go_on(stock)
    assert called == [1]


def test_what_stays_silent_is_hung_up_on(kind: Kind, certificate: str, tmp_path: Path) -> None:
    short = "import nbfab_server.plain_http\nnbfab_server.plain_http.SILENCE = 0.5"
    server = Server(tmp_path / "profile", kind, certificate=certificate, more=short)
    try:
        assert said(server, b"") == b""
    finally:
        server.stop()


def test_with_another_tornado_the_server_is_as_it_comes(kind: Kind, certificate: str, tmp_path: Path) -> None:
    other = (
        "from tornado.tcpserver import TCPServer\nstock = TCPServer._handle_connection\n"
        "TCPServer._handle_connection = lambda self, connection, address, more=None: stock(self, connection, address)"
    )
    server = Server(tmp_path / "profile", kind, certificate=certificate, more=other)
    try:
        assert Browser(server).logs_in(FIRST)
        assert said(server, b"GET / HTTP/1.0\r\n\r\n") == b""
        assert server.log.read_text().count("Plain HTTP is not redirected to https") == 1
    finally:
        server.stop()


async def _coroutine(self: Any, connection: Any, address: Any) -> None: ...


@pytest.mark.parametrize("method", [None, _coroutine, property(lambda self: None), lambda connection: None])
def test_a_private_name_that_is_another_is_left_alone(
    method: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    if "_handle_connection" in vars(HTTPServer):  # of another test's server
        monkeypatch.delattr(HTTPServer, "_handle_connection")
    monkeypatch.delattr(TCPServer, "_handle_connection")
    if method:
        monkeypatch.setattr(TCPServer, "_handle_connection", method, raising=False)
    with caplog.at_level(logging.WARNING):
        plain_http.redirect(object())
    assert "_handle_connection" not in vars(HTTPServer)
    assert len(caplog.records) == 1


@given(st.binary(max_size=200), st.sampled_from([b"GET", b"HEAD", b"POST"]), st.binary(max_size=60))
def test_no_bytes_make_a_second_header(more: bytes, method: bytes, target: bytes) -> None:
    head = method + b" /" + target + b" HTTP/1.1\r\nHost: " + more + b"\r\n\r\n"
    found = answer(head, ("::ffff:192.0.2.1", 8888, 0, 0)).partition(b"\r\n\r\n")[0].decode("ascii")
    assert found.count("\r\n") == found.count("\n") == (6 if location(found.encode()) else 5)
