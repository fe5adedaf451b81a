"""Connections as this machine makes them: through its own proxy, where it has one."""

import base64
import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from nbfab.errors import CannotLend
from nbfab.lend import dial


class Upstream:
    """A proxy of the machine's, which answers as it is set to, and then echoes."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self.answer = b"HTTP/1.1 200 OK\r\nVia: x\r\n\r\n"
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            head = b""
            while b"\r\n\r\n" not in head:
                head += client.recv(4096)
            self.heads.append(head)
            client.sendall(self.answer)
            with contextlib.suppress(ConnectionResetError):
                client.sendall(client.recv(100))
            client.close()

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def upstream(monkeypatch: pytest.MonkeyPatch) -> Iterator[Upstream]:
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    proxy = Upstream()
    yield proxy
    proxy.close()


@pytest.mark.parametrize("name", ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
def test_a_proxy_of_ours_is_gone_through(upstream: Upstream, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, f"http://ann:p%40ss@127.0.0.1:{upstream.port}")
    with dial.dial("index.example") as connected:
        connected.sendall(b"TLS")
        assert connected.recv(3) == b"TLS"
    (head,) = upstream.heads
    first, *fields = head.split(b"\r\n")
    assert first == b"CONNECT index.example:443 HTTP/1.1"
    assert b"Proxy-Authorization: Basic " + base64.b64encode(b"ann:p@ss") in fields


def test_where_no_proxy_is_to_be_none_is(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", f"127.0.0.1:{upstream.port}")
    assert dial.proxy_for("index.example") == f"http://127.0.0.1:{upstream.port}"
    monkeypatch.setenv("no_proxy", "other.example,index.example")
    assert dial.proxy_for("index.example") == ""


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 407 No\r\n\r\n", b"HTTP/1.1 403 No\r\n\r\n", b"nonsense\r\n\r\n", b"x" * 20000]
)
def test_a_proxy_that_refuses_is_an_error(upstream: Upstream, answer: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{upstream.port}")
    upstream.answer = answer
    with pytest.raises(OSError, match="the proxy of this machine"):
        dial.dial("index.example")


@pytest.mark.parametrize("url", ["socks5://ann:hunter2222@127.0.0.1:1080", "https://127.0.0.1:1080"])
def test_a_proxy_of_another_kind_is_named(url: str, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", url)
    with pytest.raises(CannotLend, match=r"this machine's own proxy is (socks5|https)://127\.0\.0\.1") as error:
        dial.check_proxy("index.example")
    assert "hunter" not in str(error.value)
    with pytest.raises(OSError, match="another kind"):
        dial.dial("index.example")


@pytest.mark.parametrize("url", ["http://[::1", "http://proxy.example:abc", "http://proxy.example:99999"])
def test_a_proxy_that_makes_no_sense_is_no_traceback(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", url)
    with pytest.raises(CannotLend, match=r"^this machine's own proxy has a URL that makes no sense$") as error:
        dial.check_proxy("index.example")
    assert "HTTPS_PROXY" in error.value.hint


def test_all_proxy_counts_for_what_is_fetched_here(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("all_proxy", "http://127.0.0.1:3128")
    assert {dial.proxies()[scheme] for scheme in ("http", "https")} == {"http://127.0.0.1:3128"}
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:3129")
    assert dial.proxies()["https"] == "http://127.0.0.1:3129"
