"""Clients that have to present a certificate: which are admitted now, and the connections of those that no longer are.

Who connects is compared with the file by TLS itself, which reads it for each connection. What is open by then, or idle
between two requests, is this module's business.
"""

from __future__ import annotations

import re
import ssl
from typing import Any

from tornado.httputil import HTTPMessageDelegate
from tornado.ioloop import PeriodicCallback

from .hashed import stamp
from .streams import Streams

WATCH = 1000  # ms between two looks
_BLOCK = re.compile("-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\\s]+-----END CERTIFICATE-----")


class Clients:
    """The certificates in a file, read again whenever that is another, and who of all connections has one of them."""

    def __init__(self, path: str, streams: Streams) -> None:
        self._path, self._streams = path, streams
        self._stamp: tuple[int, ...] | None = None
        self._admitted: frozenset[bytes] = frozenset()
        self._watch: PeriodicCallback | None = None

    def watch(self, web_app: Any) -> None:
        """Looks at every connection to a server, from its first request on."""
        stock = web_app.start_request

        def start_request(server: Any, connection: Any) -> Any:
            if self._watch is None:
                self._watch = PeriodicCallback(self.close_others, WATCH)
                self._watch.start()
            return Asked(stock(server, connection), connection.stream, self)

        web_app.start_request = start_request

    def admits(self, stream: Any) -> bool:
        """Whether a connection may go on. One without a certificate may: TLS has asked for none."""
        certificate = presented(stream)
        return certificate is None or certificate in self.read()

    def close_others(self) -> None:
        """Closes the connections that are no longer admitted, with the websockets among them."""
        for stream in self._streams.open:
            if not self.admits(stream):
                stream.close()

    def read(self) -> frozenset[bytes]:
        """The certificates in the file (DER); none if it is missing or broken."""
        seen = stamp(self._path)
        if seen is None or seen != self._stamp:
            self._stamp, self._admitted = seen, _load(self._path)
        return self._admitted


class Asked(HTTPMessageDelegate):
    """Has a request read by the server's own reader, unless its client was removed since the connection was made."""

    def __init__(self, own: Any, stream: Any, clients: Clients) -> None:
        self._own, self._stream, self._clients = own, stream, clients
        self._refused = False

    def headers_received(self, start_line: Any, headers: Any) -> Any:
        if self._clients.admits(self._stream):
            return self._own.headers_received(start_line, headers)
        self._refused = True
        self._stream.close()
        return None

    def data_received(self, chunk: bytes) -> Any:
        return None if self._refused else self._own.data_received(chunk)

    def finish(self) -> None:
        if not self._refused:
            self._own.finish()

    def on_connection_close(self) -> None:
        if not self._refused:
            self._own.on_connection_close()


def presented(stream: Any) -> bytes | None:
    """The certificate (DER) at the other end; None if there is none, or not yet."""
    try:
        return stream.socket.getpeercert(True) or None
    except (AttributeError, ValueError, OSError):  # no TLS; the handshake is not done; closed
        return None


def _load(path: str) -> frozenset[bytes]:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return frozenset(map(ssl.PEM_cert_to_DER_cert, _BLOCK.findall(file.read())))
    except (OSError, ValueError):
        return frozenset()
