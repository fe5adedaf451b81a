"""Which connections go on, by a file of certificates; servers with TLS are in tests/run/test_clients.py."""

import ssl
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from plan_cases import entry

from nbfab.server.clients import Asked, Clients
from nbfab.server.streams import Streams


class Stream:
    """A connection whose other end has presented that certificate."""

    def __init__(self, pem: str = "", error: Exception | None = None) -> None:
        self._closed = False
        self._der = ssl.PEM_cert_to_DER_cert(pem) if pem else None
        self._error = error

    @property
    def socket(self) -> Any:
        return self

    def getpeercert(self, binary: bool) -> bytes | None:
        assert binary
        if self._error:
            raise self._error
        return self._der

    def close(self) -> None:
        self._closed = True

    def closed(self) -> bool:
        return self._closed


class Own:
    """The server's own reader of a request."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: self.calls.append(name)


ANN, BOB = entry("ann"), entry("bob")


@pytest.fixture
def streams() -> Streams:
    return Streams()


@pytest.fixture
def clients(tmp_path: Path, streams: Streams) -> Clients:
    (tmp_path / "clients.pem").write_text(f"# of us\n{ANN}{BOB}")
    return Clients(str(tmp_path / "clients.pem"), streams)


def replace(tmp_path: Path, text: str) -> None:
    (tmp_path / "new").write_text(text)
    (tmp_path / "new").replace(tmp_path / "clients.pem")


def test_a_file_that_is_replaced_counts_at_once(clients: Clients, tmp_path: Path) -> None:
    ann, bob = Stream(ANN), Stream(BOB)
    assert clients.admits(ann)
    assert clients.admits(bob)
    replace(tmp_path, BOB)
    assert not clients.admits(ann)
    assert clients.admits(bob)


@pytest.mark.parametrize(
    "text", ["", "no certificate", "-----BEGIN CERTIFICATE-----\nM\n-----END CERTIFICATE-----\n", None]
)
def test_a_file_that_is_broken_or_gone_lets_no_one_go_on(clients: Clients, tmp_path: Path, text: str | None) -> None:
    if text is None:
        (tmp_path / "clients.pem").unlink()
    else:
        replace(tmp_path, text)
    assert not clients.admits(Stream(ANN))


@pytest.mark.parametrize(
    "stream",
    [
        Stream(),  # TLS has asked for none
        Stream(error=ValueError("handshake not done yet")),
        Stream(error=OSError()),
        SimpleNamespace(socket=None),  # closed
        SimpleNamespace(socket=SimpleNamespace()),  # no TLS
    ],
)
def test_a_connection_without_a_certificate_is_none_of_its_business(clients: Clients, stream: Any) -> None:
    assert clients.admits(stream)


def test_only_what_is_no_longer_admitted_is_closed(clients: Clients, streams: Streams, tmp_path: Path) -> None:
    connections = [Stream(ANN), Stream(BOB), Stream()]
    for one in connections:
        streams.add(one)
    clients.close_others()
    assert [one.closed() for one in connections] == [False, False, False]
    replace(tmp_path, BOB)
    clients.close_others()
    assert [one.closed() for one in connections] == [True, False, False]


def test_a_request_of_one_that_was_removed_is_not_answered(clients: Clients, tmp_path: Path) -> None:
    """Though it comes over a connection that was admitted, and before that is closed."""
    replace(tmp_path, BOB)
    for stream, calls in ((Stream(ANN), []), (Stream(BOB), ["headers_received", "data_received", "finish"])):
        own = Own()
        asked = Asked(own, stream, clients)
        asked.headers_received(None, None)
        asked.data_received(b"")
        asked.finish()
        assert own.calls == calls
        assert stream.closed() is (calls == [])
