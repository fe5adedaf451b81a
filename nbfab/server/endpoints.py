"""What nbfab asks the server for, with the server's own token: /nbfab-status, -kernels, -login, -end."""

from __future__ import annotations

from typing import Any, Callable

from tornado.web import RequestHandler

from . import usage
from .guard import Guard
from .logins import remember
from .once import SECONDS, inside


class Status(RequestHandler):
    """GET: what the guard knows, as JSON."""

    guard: Guard

    def get(self) -> None:
        if trusted(self):
            self.finish(self.guard.report())


class Usage(RequestHandler):
    """GET: what each kernel takes, as JSON."""

    guard: Guard

    async def get(self) -> None:
        if trusted(self):
            self.finish(await usage.of_kernels(self.guard.kernels))


class End(RequestHandler):
    """POST: every session ends now; how many connections that has closed, as JSON."""

    guard: Guard

    def check_xsrf_cookie(self) -> None:
        """The token is nothing that a browser would add by itself."""

    def post(self) -> None:
        if trusted(self):
            self.finish(self.guard.end_all(self.request.connection.stream))  # type: ignore[union-attr]


class Once(RequestHandler):
    """POST: a nonce, as JSON. POST of a form with it, or GET: a login, once.

    A browser keeps no record of what it posts.
    """

    guard: Guard
    refused = False

    def log_in(self) -> None:
        """Sets the login cookie."""
        raise NotImplementedError

    def initialize(self) -> None:
        """Keeps the nonce, and the token, out of every log."""
        self.request.uri = self.request.path

    def check_xsrf_cookie(self) -> None:
        """Neither the token nor a nonce is anything that a browser would add by itself."""

    def post(self) -> None:
        if self.get_body_argument("nonce", ""):
            self._use(self.get_body_argument)
        elif trusted(self):
            self.set_header("Cache-Control", "no-store")
            self.finish({"nonce": self.guard.nonces.new(), "seconds": SECONDS})

    def get(self) -> None:
        self._use(self.get_query_argument)

    def _use(self, argument: Callable[..., str]) -> None:
        self.set_header("Cache-Control", "no-store")
        self.set_header("Referrer-Policy", "no-referrer")
        if any("prefetch" in self.request.headers.get(name, "") for name in ("Sec-Purpose", "Purpose", "X-Moz")):
            self.set_status(503)  # a browser that looks ahead asks again when it is meant
            return
        base, guard, peer = str(self.settings["base_url"]), self.guard, self.guard.peers.of(self.request)
        place = inside(argument("next", base), base)
        if not guard.nonces.use(argument("nonce", "")):
            self.refused = True
            line = f"One-time login refused from {peer.text}: used, or too late"
            guard.tally.say(self._logger, f"once {peer.key}", line)
            self.set_status(410)
            self.set_header("Content-Type", "text/plain; charset=UTF-8")
            self.finish("This login was used, or is over a minute old. Run open again, or log in with the password.\n")
            return
        self._logger.info("One-time login from %s", peer.text)
        if not peer.owner:
            remember(guard, peer.key, self._logger)
        self.log_in()
        self.redirect(place)

    @property
    def _logger(self) -> Any:
        return self.log  # type: ignore[attr-defined]

    def _log(self) -> None:
        if not self.refused:
            super()._log()


def trusted(handler: Any) -> bool:
    """Whether a request came with the server's own token; if not, it is refused."""
    if handler.token_authenticated:
        return True
    handler.set_status(403)
    handler.finish({"message": "Forbidden"})
    return False


def add(app: Any, guard: Guard, base: Any, log_in: Callable[[Any], None], open_to_all: Callable[[Any], Any]) -> None:
    """Adds them to a server, whose handlers are derived from `base`."""
    members = {"guard": guard, "log_in": log_in}
    once = type("Once", (Once, base), {**members, "get": open_to_all(Once.get), "post": open_to_all(Once.post)})
    status = type("Status", (Status, base), members)
    end = type("End", (End, base), members)
    kernels = type("Usage", (Usage, base), members)
    url = app.web_app.settings["base_url"].rstrip("/")
    handlers: list[tuple[str, Any]] = [
        (f"{url}/nbfab-status", status),
        (f"{url}/nbfab-kernels", kernels),
        (f"{url}/nbfab-login", once),
        (f"{url}/nbfab-end", end),
    ]
    app.web_app.add_handlers(".*$", handlers)
