"""Plain HTTP on the port of TLS: a user who forgets the s is sent to https, where the server itself would hang up.

The first byte of a connection is looked at before TLS takes it: that of TLS is always the same. So it works whatever
TLS then asks for, client certificates too, and a handshake finds all its bytes in place.
"""

from __future__ import annotations

import asyncio
import inspect
import socket
from collections import OrderedDict
from typing import Any, Callable

from tornado.httpserver import HTTPServer
from tornado.log import app_log

from .handshake import go_on
from .redirects import answer

TLS = b"\x16"  # RFC 8446, 5.1: a record of the type handshake
SILENCE, HEAD = 30.0, 5.0  # seconds until the first byte has to come; for all the rest of a plain request
LONGEST = 8192  # bytes of a plain request's head
MOST = 512  # connections at a time that have not said what they are; the one that has been silent longest gives way
BODY = 65536  # bytes that are read and dropped after an answer, since a reset would take that from the client


def redirect(web_app: Any) -> None:
    """Has the server of `web_app` look first. Where tornado's own method is another, all stays as it comes."""
    stock: Any = getattr(HTTPServer, "_handle_connection", None)
    if not _is_known(stock):
        app_log.warning("Plain HTTP is not redirected to https: this release of tornado takes connections differently")
        return
    newcomers = Newcomers()

    def handle(self: Any, connection: socket.socket, address: Any) -> None:
        if self.ssl_options is None or self.request_callback is not web_app:
            stock(self, connection, address)
        else:
            newcomers.take(connection, lambda: go_on(lambda: stock(self, connection, address)))

    HTTPServer._handle_connection = handle  # type: ignore[method-assign]


def _is_known(method: Any) -> bool:
    """Whether that is the method of tornado 6: a plain one, of a connection and its address."""
    if not inspect.isfunction(method) or inspect.iscoroutinefunction(method):
        return False
    return list(inspect.signature(method).parameters) == ["self", "connection", "address"]


class Newcomers:
    """Connections that have not said yet whether they speak TLS, or that speak plain HTTP."""

    def __init__(self) -> None:
        self._open: OrderedDict[socket.socket, Newcomer] = OrderedDict()

    def take(self, connection: socket.socket, goes_on: Callable[[], None]) -> None:
        """Lets a connection go on as it would have, once it turns out to speak TLS. Blocks no one meanwhile."""
        connection.setblocking(False)
        if _peek(connection) == TLS:  # often it is here already
            return goes_on()
        while len(self._open) >= MOST:
            next(iter(self._open.values())).close()
        newcomer = Newcomer(connection, goes_on, lambda: self._open.pop(connection, None))
        self._open[connection] = newcomer
        newcomer.wait()


class Newcomer:
    """One of them; `ends` is called once it is none any more."""

    def __init__(self, connection: socket.socket, goes_on: Callable[[], None], ends: Callable[[], Any]) -> None:
        self._connection, self._goes_on, self._ends = connection, goes_on, ends
        self._loop = asyncio.get_running_loop()
        self._head, self._dropped = b"", 0
        self._timer = self._loop.call_later(SILENCE, self.close)

    def wait(self) -> None:
        """Waits for its first byte."""
        self._loop.add_reader(self._connection, self._first)

    def close(self) -> None:
        """Hangs up."""
        self._leave()
        self._connection.close()

    def _leave(self) -> None:
        self._loop.remove_reader(self._connection)
        self._timer.cancel()
        self._ends()

    def _first(self) -> None:
        first = _peek(self._connection)
        if first is None:
            return
        if first == TLS:
            self._leave()
            return self._goes_on()
        if not first.isalpha() or not first.isupper():  # no method begins so
            return self.close()
        self._timer.cancel()
        self._timer = self._loop.call_later(HEAD, self.close)
        self._loop.add_reader(self._connection, self._read)

    def _read(self) -> None:
        """Reads the head of a plain request, and answers it."""
        data = _receive(self._connection, LONGEST + 1 - len(self._head))
        if data is None:
            return
        self._head += data
        whole = b"\r\n\r\n" in self._head or b"\n\n" in self._head
        if not data or (not whole and len(self._head) > LONGEST):
            return self.close()
        if whole:
            try:
                self._connection.send(answer(self._head, self._connection.getsockname()))  # fits into its buffer
                self._connection.shutdown(socket.SHUT_WR)
            except OSError:
                return self.close()
            self._loop.add_reader(self._connection, self._drop)

    def _drop(self) -> None:
        """Reads what else is sent until the client hangs up."""
        data = _receive(self._connection, LONGEST)
        if data is None:
            return
        self._dropped += len(data)
        if not data or self._dropped > BODY:
            self.close()


def _peek(connection: socket.socket) -> bytes | None:
    """The first byte, which stays; None if there is none yet, empty if none comes."""
    return _receive(connection, 1, socket.MSG_PEEK)


def _receive(connection: socket.socket, most: int, flags: int = 0) -> bytes | None:
    try:
        return connection.recv(most, flags)
    except (BlockingIOError, InterruptedError):
        return None
    except OSError:
        return b""
