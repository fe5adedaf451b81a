"""What the parts of the module share: one guard for a server."""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
from typing import Any, Callable

from tornado.websocket import WebSocketHandler

from . import VERSION, busy
from .bodies import bound
from .checker import Queue
from .clients import Clients
from .hashed import Hashed
from .hostnames import Hostnames
from .idle import Idle
from .kernels import on_tcp
from .known import Known
from .limiter import Limiter
from .once import Nonces
from .peers import Peers
from .plain_http import redirect
from .sockets import Sockets
from .streams import Streams
from .tally import Tally


class Guard:
    """Knows the password's hash, who has tried it, and who is in."""

    def __init__(self, folder: str, hashed: Hashed, check: Callable[[str, str], bool]) -> None:
        self.hashed = hashed
        self.known = Known(os.path.join(folder, "known.json"))
        self.peers = Peers()
        self.limiter, self.tally, self.nonces, self.sockets = Limiter(), Tally(), Nonces(), Sockets()
        self.streams = Streams()
        self.idle = Idle(folder)
        self.clients = Clients(os.path.join(folder, "clients.pem"), self.streams)
        self.strangers, self.friends = Queue(check), Queue(check)  # friends do not wait for strangers
        self.kernels: Any = None
        self._token = b""
        self.held = 0  # refusals not told yet
        self._keyed = ""
        self._settings: dict[str, Any] = {}
        self._secret = b""

    def start(self, app: Any, token: str) -> None:
        """Takes charge of a server's cookies and its token, before it listens.

        No page may have the token: it would let the page in again when the password has changed.
        """
        # What answers SIGTERM logs that first. While another line is written, Python refuses ("reentrant call"); if
        # logging raised that, the server would run on.
        logging.raiseExceptions = False
        self.kernels = app.kernel_manager
        busy.watch(self.kernels)
        self._token = token.encode()
        app.web_app.settings["token"] = ""
        self._settings = app.web_app.settings
        self._settings["local_hostnames"] = Hostnames(self._settings.get("local_hostnames") or ["localhost"])
        self._secret = _secret(app)
        self._rekey(self.hashed.read())
        bound(app.web_app)
        self.streams.watch(app.web_app)
        redirect(app.web_app)
        self.clients.watch(app.web_app)
        self.idle.start(app)

    def trusts(self, token: str) -> bool:
        """Whether that is the server's own token, which is nbfab's alone."""
        return bool(self._token) and hmac.compare_digest(token.encode("utf-8", "surrogatepass"), self._token)

    def refresh(self) -> None:
        """Takes up a new password, if there is one: the cookies and websockets of the old one end."""
        hashed = self.hashed.read()
        if hashed != self._keyed:
            self._rekey(hashed)
        self.sockets.close_others(hashed)

    def admit(self, handler: Any) -> None:
        """Takes note of a request that is let in."""
        self.idle.note(handler.request)
        if isinstance(handler, WebSocketHandler):
            self.sockets.admit(handler, self._keyed, self.peers.of(handler.request).owner, self.refresh)

    def end_all(self, own: Any) -> dict[str, Any]:
        """Ends every session but that of the stream `own`, at once; a thief who has logged in is a stranger again."""
        self.refresh()
        self.nonces.clear()
        closed = self.streams.close_others(own)
        return {"closed": closed, "forgotten": self.known.clear()}

    def report(self) -> dict[str, Any]:
        """What nbfab asks for."""
        return {
            "version": VERSION,
            "failed": self.tally.report(),
            "tcp_kernels": on_tcp(self.kernels),
            "idle": self.idle.report(),
        }

    def _rekey(self, hashed: str) -> None:
        """Keys the cookies by the hash. If there is none, no cookie of another time is good."""
        key = hashed.encode("utf-8", "surrogatepass") or os.urandom(32)
        self._settings["cookie_secret"] = hmac.new(self._secret, key, hashlib.sha256).digest()
        self._keyed = hashed
        self.nonces.clear()


def _secret(app: Any) -> bytes:
    """What the server's cookies are signed with but for the password, so that they outlast a restart."""
    try:
        with open(app.cookie_secret_file, "rb") as file:
            found = file.read()
    except OSError:
        found = b""
    return found or bytes(app.cookie_secret)
