"""A page that is served once, and to its owner alone: for a browser that cannot read our files."""

from __future__ import annotations

import asyncio
import hmac
import os
import secrets
from collections.abc import Callable
from contextlib import suppress

from nbfab.tunnel.once import html
from nbfab.tunnel.peer import uid_of

SLOWEST = 10.0  # seconds for a request
LONGEST = 16_384  # bytes of one
MOST = 20  # connections at a time: of the owner, and of all others
_HEADERS = """\
HTTP/1.1 {status}
Content-Type: text/html; charset=utf-8
Content-Length: {length}
Cache-Control: no-store
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
X-Frame-Options: DENY
Connection: close

"""


class Page:
    """Posts a nonce once a browser opens it, like `once.Page`. `warn` is told of any request that should not be.

    With `anyone`, it is not known whose browser asks; its path is a secret, too, but stands in the browser's arguments.
    """

    folder = ""

    def __init__(
        self,
        origin: str,
        nonce: str,
        warn: Callable[[str], None],
        after: str = "/",
        *,
        anyone: bool,
        text: str = "",
    ) -> None:
        self._page, self._warn, self._anyone = text or html(origin, nonce, after), warn, anyone
        self._path = f"/{secrets.token_hex(16)}"
        self._server: asyncio.Server | None = None
        self._open = {True: 0, False: 0}  # whether of the owner
        self._given = False
        self.used = asyncio.Event()  # once a browser has got all of it

    async def listen(self) -> None:
        """Serves it from now on. Raises OSError."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=LONGEST)

    @property
    def url(self) -> str:
        """What a browser is to open. By its address, not by a name: at ::1, another user may listen."""
        assert self._server
        return f"http://127.0.0.1:{self._port}{self._path}"

    @property
    def _port(self) -> int:
        assert self._server
        return int(self._server.sockets[0].getsockname()[1])

    def remove(self) -> None:
        """Ends it."""
        self._page = ""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        uid = None if self._anyone else uid_of(writer.get_extra_info("peername"), writer.get_extra_info("sockname"))
        own = self._anyone or uid == os.geteuid()
        self._open[own] += 1
        status = ""
        try:
            if self._open[own] <= MOST:
                status, page = self._answer(own, uid, await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), SLOWEST))
                body = page.encode()
                head = _HEADERS.format(status=status, length=len(body)).replace("\n", "\r\n")
                writer.write(head.encode() + body)
                await asyncio.wait_for(writer.drain(), SLOWEST)
        except (OSError, EOFError, asyncio.LimitOverrunError, TimeoutError):
            pass
        except asyncio.CancelledError:  # all ends, but for a connection that the browser has made in advance
            pass
        finally:
            self._open[own] -= 1
            writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        if status.startswith("200"):
            self.used.set()

    def _answer(self, own: bool, uid: int | None, head: bytes) -> tuple[str, str]:
        """The status and the page that answer a request."""
        line, *lines = head.decode("latin-1").split("\r\n")
        method, _, rest = line.partition(" ")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if headers.get("host") != f"127.0.0.1:{self._port}" or method != "GET":
            return "400 Bad Request", ""
        if not hmac.compare_digest(rest.partition(" ")[0].encode("latin-1"), self._path.encode()):
            return "404 Not Found", ""
        if "prefetch" in headers.get("sec-purpose", "") or "prefetch" in headers.get("purpose", ""):
            return "503 Service Unavailable", ""  # it asks again when it is meant
        if not own:
            who = "one who cannot be told" if uid is None else f"uid {uid}"
            self._warn(f"another user of this machine asked for your login page, and was refused ({who})")
            return "403 Forbidden", ""
        if self._given:
            self._warn(
                "your login page was asked for a second time, and refused; if you did not do that, change the password"
            )
            return "410 Gone", "This page was for one use. Open the URL that nbfab shows, and log in there.\n"
        page, self._page, self._given = self._page, "", True
        return "200 OK", page
