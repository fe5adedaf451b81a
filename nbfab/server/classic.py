"""How the guard comes into notebook 6: as its login handler, which is asked for each request."""

from __future__ import annotations

import os
import uuid
from typing import Any

from jupyter_client.ioloop import IOLoopKernelManager
from notebook.auth.login import LoginHandler
from notebook.auth.security import passwd_check
from notebook.base.handlers import IPythonHandler
from notebook.base.zmqhandlers import WebSocketMixin

from . import endpoints, kernels
from .guard import Guard
from .hashed import Hashed
from .logins import CountedLogin
from .sockets import be_patient


def log_in(handler: Any) -> None:
    """Sets the login cookie."""
    Login.set_login_cookie(handler, uuid.uuid4().hex)


class Login(CountedLogin, LoginHandler):  # type: ignore[misc]
    """The server's login page, with our form behind it."""

    log_in = log_in

    @classmethod
    def get_user(cls, handler: Any) -> Any:
        """Who sent a request; None if it is not let in."""
        cls.guard.refresh()
        user = super().get_user(handler)
        if user is not None:
            cls.guard.admit(handler)
        return user

    @classmethod
    def get_user_token(cls, handler: Any) -> Any:
        """Whom the token lets in; None if it does not."""
        return uuid.uuid4().hex if cls.guard.trusts(cls.get_token(handler)) else None

    @classmethod
    def get_login_available(cls, settings: Any) -> bool:
        """Always, whatever the server makes of its configuration."""
        return True

    @classmethod
    def validate_security(cls, app: Any, ssl_options: Any = None) -> None:
        """Takes charge; the server calls this once, before it listens."""
        super().validate_security(app, ssl_options)
        app.web_app.settings["password"] = ""  # it has loaded the .json too, and needs no hash of its own
        cls.guard.start(app, app.token)
        endpoints.add(app, cls.guard, IPythonHandler, log_in, lambda method: method)


def set_up(c: Any, folder: str) -> None:
    """Puts the guard into the server's configuration."""
    hashed = Hashed(os.path.join(folder, "jupyter_server_config.json"), "NotebookApp", "password")
    Login.guard = Guard(folder, hashed, passwd_check)
    Login.guard.idle.set_up(c)
    be_patient(WebSocketMixin)
    kernels.set_up(c, folder, IOLoopKernelManager)
    c.NotebookApp.login_handler_class = Login
    c.NotebookApp.allow_password_change = False
