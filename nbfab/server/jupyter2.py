"""How the guard comes into jupyter_server 2: as its identity provider, which is asked for each request."""

from __future__ import annotations

import os
from inspect import isawaitable
from typing import Any

from jupyter_server.auth.identity import PasswordIdentityProvider
from jupyter_server.auth.login import LoginFormHandler
from jupyter_server.auth.security import passwd_check
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.base.websocket import WebSocketMixin
from jupyter_server.services.kernels.kernelmanager import ServerKernelManager

from . import endpoints, kept, kernels
from .guard import Guard
from .hashed import Hashed
from .logins import CountedLogin
from .sockets import be_patient

try:
    from jupyter_server.auth.decorator import allow_unauthenticated
except ImportError:  # before 2.13, where it is not needed

    def allow_unauthenticated(method: Any) -> Any:  # type: ignore[misc]
        return method


def log_in(handler: Any) -> None:
    """Sets the login cookie."""
    provider = handler.identity_provider
    handler.current_user = handler.current_user or provider.generate_anonymous_user(handler)
    provider.set_login_cookie(handler, handler.current_user)


class Login(CountedLogin, LoginFormHandler):
    """The server's login page, with our form behind it."""

    log_in = log_in
    post = allow_unauthenticated(CountedLogin.post)


class NbfabProvider(PasswordIdentityProvider):
    """The server's own, but for passwords, which are the guard's business."""

    guard: Guard
    auth_enabled = True  # whatever the server makes of its configuration

    async def get_user(self, handler: Any) -> Any:
        """Who sent a request; None if it is not let in."""
        self.guard.refresh()
        user = super().get_user(handler)
        if isawaitable(user):
            user = await user
        if user is not None:
            self.guard.admit(handler)
        return user

    async def get_user_token(self, handler: Any) -> Any:
        """Whom the token lets in; None if it does not."""
        if not self.guard.trusts(self.get_token(handler) or ""):
            return None
        user = self.get_user_cookie(handler)
        if isawaitable(user):
            user = await user
        return user or self.generate_anonymous_user(handler)

    def passwd_check(self, password: Any) -> bool:
        """No: only the guard checks passwords."""
        return False

    def process_login_form(self, handler: Any) -> None:
        """No one: the form is taken by `Login`."""
        return

    def validate_security(self, app: Any, ssl_options: Any = None) -> None:
        """Takes charge; the server calls this once, before it listens."""
        super().validate_security(app, ssl_options)
        token, describe = self.token, app.server_info
        self.guard.start(app, token)
        self.token = ""  # JupyterLab puts this one into its pages
        app.server_info = lambda: {**describe(), "token": token}  # for the file that only the owner reads
        endpoints.add(app, self.guard, JupyterHandler, log_in, allow_unauthenticated)


def set_up(c: Any, folder: str) -> None:
    """Puts the guard into the server's configuration."""
    hashed = Hashed(os.path.join(folder, "jupyter_server_config.json"), "IdentityProvider", "hashed_password")
    NbfabProvider.guard = Login.guard = Guard(folder, hashed, passwd_check)
    NbfabProvider.guard.idle.set_up(c)
    be_patient(WebSocketMixin)
    kernels.set_up(c, folder, ServerKernelManager)
    kept.set_up(c, folder)
    c.ServerApp.identity_provider_class = NbfabProvider
    c.NbfabProvider.login_handler_class = Login
    c.NbfabProvider.allow_password_change = False
    # The server loads that .json too. This counts more there, so that it has no hash of its own, and needs none.
    c.NbfabProvider.hashed_password = "in the .json"  # noqa: S105
