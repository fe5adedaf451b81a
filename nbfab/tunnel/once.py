"""A login that works once: asked for over the link, and handed to the browser without being in any command line."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import ssl
import tempfile
from html import escape
from pathlib import Path

ANSWER = 15.0  # seconds
_PAGE = """<!doctype html>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<title>nbfab</title>
<form method="post" action="{action}">
<input type="hidden" name="nonce" value="{nonce}">
<input type="hidden" name="next" value="{after}">
<noscript><button>Log in</button></noscript>
</form>
<script>document.forms[0].submit()</script>
"""


class NoLogin(Exception):
    """There is no such login to be had. The message says why."""


class _Here(http.client.HTTPSConnection):
    """A connection to a port of ours, to the server whose certificate is for localhost, too."""

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        super().__init__("localhost", port, timeout=ANSWER, context=context)
        self._tls = context

    def connect(self) -> None:
        plain = socket.create_connection(("127.0.0.1", self.port), ANSWER)
        self.sock = self._tls.wrap_socket(plain, server_hostname="localhost")


def ask(port: int, certificate: str, token: str) -> str:
    """A nonce, from the server behind a port of ours, if it has that certificate (PEM). Raises NoLogin."""
    context = ssl.create_default_context(cadata=certificate)
    context.verify_flags |= ssl.VerifyFlags(0x200000)  # X509_V_FLAG_NO_CHECK_TIME: what is verified here is the key
    connection = _Here(port, context)
    try:
        connection.request("POST", "/nbfab-login", headers={"Authorization": f"token {token}"})
        response = connection.getresponse()
        body = response.read(10_000)
        if response.status != 200:
            raise NoLogin(f"the server answers {response.status} {response.reason}")
        return str(json.loads(body)["nonce"])
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
        raise NoLogin(str(error) or type(error).__name__) from None
    finally:
        connection.close()


class Page:
    """A file that only its owner can read, and that posts a nonce once a browser opens it."""

    def __init__(self, origin: str, nonce: str, after: str = "/") -> None:
        self._folder = tempfile.mkdtemp(prefix="nbfab-login-")
        self._file = Path(self._folder, "open.html")
        text = _PAGE.format(action=escape(f"{origin}/nbfab-login"), nonce=escape(nonce), after=escape(after))
        with open(os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)

    @property
    def url(self) -> str:
        """What a browser is to open."""
        return self._file.as_uri()

    def remove(self) -> None:
        """Removes it."""
        shutil.rmtree(self._folder, ignore_errors=True)
