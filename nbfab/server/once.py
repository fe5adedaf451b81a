"""Logins that work once: what they are, and where they may lead."""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections import OrderedDict
from typing import Callable
from urllib.parse import quote

SECONDS = 60
MOST = 16  # at a time; the oldest gives way


class Nonces:
    """Secrets of 32 bytes, each for one login within `SECONDS`; in memory only."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends: OrderedDict[bytes, float] = OrderedDict()  # by digests: looking one up tells nothing by its time

    def new(self) -> str:
        """A new one."""
        nonce = secrets.token_urlsafe(32)
        self._ends[_digest(nonce)] = self._clock() + SECONDS
        while len(self._ends) > MOST:
            self._ends.popitem(last=False)
        return nonce

    def use(self, nonce: str) -> bool:
        """Whether it is good; from now on it is not."""
        return self._ends.pop(_digest(nonce), float("-inf")) > self._clock()

    def clear(self) -> None:
        """Ends all of them."""
        self._ends.clear()


def inside(target: str, base: str) -> str:
    """The path `target`, escaped, if it leads to this server, whose paths begin with `base`; else `base`.

    Browsers drop blanks, take a backslash for a slash, two slashes for the start of a host, and %2e for a dot.
    """
    escaped = quote(target, safe="!#$%&'()*+,/:;=?@[]", errors="surrogatepass")
    path = re.sub("%2e", ".", re.split("[?#]", escaped, maxsplit=1)[0], flags=re.IGNORECASE)
    if not escaped.startswith(base) or escaped.startswith("//") or ".." in path.split("/"):
        return base
    return escaped


def _digest(nonce: str) -> bytes:
    return hashlib.sha256(nonce.encode("utf-8", "surrogatepass")).digest()
