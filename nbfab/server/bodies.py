"""How much a request may bring: of someone who is not logged in, no more than a login form takes.

The server reads a body into memory, and parses a form, before it asks who has sent it: half a gigabyte, by default.
"""

from __future__ import annotations

from typing import Any, Callable

from tornado.httputil import HTTPMessageDelegate, parse_cookie
from tornado.web import decode_signed_value

MOST = 65536  # bytes


class Bounded(HTTPMessageDelegate):
    """Reads a request by the server's own reader, once it has told how much that may be."""

    def __init__(self, own: Any, connection: Any, secret: Callable[[], bytes]) -> None:
        self._own, self._connection, self._secret = own, connection, secret

    def headers_received(self, start_line: Any, headers: Any) -> Any:
        """The login cookie is the one way to show who it is that takes no look at the body."""
        cookies = parse_cookie(headers.get("Cookie", ""))
        logins = [(name, value) for name, value in cookies.items() if name.startswith("username-")]
        if not any(decode_signed_value(self._secret(), name, value) for name, value in logins):
            self._connection.set_max_body_size(MOST)
        return self._own.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Any:
        return self._own.data_received(chunk)

    def finish(self) -> None:
        self._own.finish()

    def on_connection_close(self) -> None:
        self._own.on_connection_close()


def bound(web_app: Any) -> None:
    """Puts that in front of all of a server's handlers."""
    stock = web_app.start_request

    def start_request(server: Any, connection: Any) -> Any:
        return Bounded(stock(server, connection), connection, lambda: web_app.settings["cookie_secret"])

    web_app.start_request = start_request
