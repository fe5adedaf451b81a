"""The login form: takes passwords, counts the wrong ones."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from tornado.escape import url_escape
from tornado.web import RequestHandler

from .guard import Guard
from .once import inside
from .peers import Peer

PAUSE, HELD = 0.5, 256  # seconds before a refusal is told; how many at a time, as each keeps a connection open


class CountedLogin(RequestHandler):
    """The part of a login handler that takes the form; the server's own shows it."""

    guard: Guard
    refused = False

    @property
    def template_namespace(self) -> Any:
        """What the page may show: beside what the server has for it, what this host calls itself."""
        return {**super().template_namespace, "own_name": socket.gethostname()}  # type: ignore[misc]

    def log_in(self) -> None:
        """Sets the login cookie."""
        raise NotImplementedError

    async def post(self) -> None:
        """Takes a password, and nothing else: not the token, not a new password."""
        guard, peer = self.guard, self.guard.peers.of(self.request)
        stranger = not (peer.owner or self.current_user or peer.key in guard.known)
        queue = guard.strangers if stranger else guard.friends
        wait = 1.0 if queue.full else 0.0
        if not wait and not peer.owner:
            wait = guard.limiter.take(peer.key, stranger)
        if wait:
            guard.tally.refused(peer.key)
            await self._refuse(int(wait) + 1, peer)
            return
        hashed = guard.hashed.read()
        right = await queue.right(hashed, self.get_body_argument("password", "", strip=False))
        if not right or guard.hashed.read() != hashed:
            guard.tally.failed(peer.key)
            self._logger.warning("Login failed from %s", peer.text)  # as often as the limiter lets it
            self._show(401, "Invalid credentials")
            return
        if not peer.owner:
            guard.limiter.give_back(peer.key, stranger)
            remember(guard, peer.key, self._logger)
        guard.refresh()
        self.log_in()
        self._redirect_safe(self.get_argument("next", default=self._base))

    def _redirect_safe(self, url: str, default: Any = None) -> None:
        """Stays on this server; the server's own, of the same name, did not always."""
        self.redirect(inside(url, self._base))

    async def _refuse(self, wait: int, peer: Peer) -> None:
        """Says when to try again, after a pause; else guessers that do not wait would keep the server busy."""
        self.refused = True
        if self.guard.held < HELD:
            self.guard.held += 1
            await asyncio.sleep(PAUSE)
            self.guard.held -= 1
        line = f"Login refused from {peer.text}: too many failures; next try in {wait} s"
        self.guard.tally.say(self._logger, peer.key, line)
        self.set_header("Retry-After", str(wait))
        self._show(429, f"Too many failed logins. Try again in {wait} seconds.")

    def _show(self, status: int, error: str) -> None:
        self.set_status(status)
        after = url_escape(inside(self.get_argument("next", default=self._base), self._base))
        self.write(self.render_template("login.html", next=after, message={"error": error}))  # type: ignore[attr-defined]

    def _log(self) -> None:
        """The server's own line for each request would let guessers fill the disk."""
        if not self.refused:
            super()._log()

    @property
    def _base(self) -> str:
        return str(self.settings["base_url"])

    @property
    def _logger(self) -> Any:
        return self.log  # type: ignore[attr-defined]


def remember(guard: Guard, key: str, log: Any) -> None:
    """Takes note of where a login came from. If that cannot be written, it counts until the server ends."""
    try:
        guard.known.add(key)
    except OSError as error:
        log.warning("Cannot note where logins come from: %s", error)
