"""A login that works once: asked for over the link, and handed to the browser without being in any command line."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import tempfile
from html import escape
from pathlib import Path

from nbfab.tunnel.proven import Proven

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


_LEADS = """<!doctype html>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<title>nbfab</title>
<form action="{action}">
<input type="hidden" name="token" value="{token}">
<noscript><button>Log in</button></noscript>
</form>
<script>document.forms[0].submit()</script>
"""


class NoLogin(Exception):
    """There is no such login to be had. The message says why."""


def ask(
    port: int, certificate: str, token: str, name: str = "localhost", address: str = "127.0.0.1", client: str = ""
) -> str:
    """A nonce, from the server behind a port of ours, if it has the certificate that is first in that PEM.

    `client` is a file with what we present to it, if it asks for that.

    Raises NoLogin.
    """
    try:
        connection = Proven(name, port, certificate, ANSWER, address, client)
    except OSError as error:  # also one of ssl
        raise NoLogin(f"{client} cannot be read: {error.strerror}") from None
    except ValueError:
        raise NoLogin("the host's certificate makes no sense") from None
    try:
        connection.request("POST", "/nbfab-login", headers={"Authorization": f"token {token}"})
        response = connection.getresponse()
        body = response.read(10_000)
        if response.status != 200:
            raise NoLogin(f"the server answers {response.status} {response.reason}")
        return str(json.loads(body)["nonce"])
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError, RecursionError) as error:
        raise NoLogin(str(error) or type(error).__name__) from None
    finally:
        connection.close()


def html(origin: str, nonce: str, after: str = "/") -> str:
    """A page that posts a nonce as soon as a browser shows it, so that no history has it."""
    return _PAGE.format(action=escape(f"{origin}/nbfab-login"), nonce=escape(nonce), after=escape(after))


def by_token(url: str, token: str) -> str:
    """A page that leads to a server that nbfab did not start, with its token, as Jupyter's own file for that does."""
    return _LEADS.format(action=escape(url), token=escape(token))


class Page:
    """A file that only its owner can read, and that posts a nonce once a browser opens it, or has another `text`."""

    def __init__(self, origin: str, nonce: str, after: str = "/", text: str = "") -> None:
        """Raises OSError, also where a file system cannot keep it from others."""
        self.folder = tempfile.mkdtemp(prefix="nbfab-login-")
        self._file = Path(self.folder, "open.html")
        opened = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(opened, "w", encoding="utf-8") as file:
            if not (_is_private(self.folder) and _is_private(opened)):
                self.remove()
                raise PermissionError(f"others could read {self._file}")
            file.write(text or html(origin, nonce, after))

    @property
    def url(self) -> str:
        """What a browser is to open."""
        return self._file.as_uri()

    def remove(self) -> None:
        """Removes it."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _is_private(file: str | int) -> bool:
    seen = os.stat(file)
    return seen.st_uid == os.geteuid() and not seen.st_mode & 0o077
