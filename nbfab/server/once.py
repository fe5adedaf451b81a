"""Logins that work once: what they are, and where they may lead."""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections import OrderedDict
from typing import Callable

SECONDS = 60
MOST = 16  # at a time; the oldest gives way


class Nonces:
    """Secrets of 32 bytes, each for one login within `SECONDS`; in memory only."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends: OrderedDict[bytes, float] = (
            OrderedDict()
        )  # by their digests, so that a look-up tells nothing by its time

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
    """The path `target` if it leads to this server, whose paths begin with `base`; else `base`.

    Browsers drop blanks, take a backslash for a slash, two slashes for the start of a host, and %2e for a dot.
    """
    path = re.split("[?#]", target, maxsplit=1)[0]
    dots = [part for part in re.sub("%2e", ".", path, flags=re.IGNORECASE).split("/") if part == ".."]
    if not re.fullmatch(r"[!-\[\]-~]+", target) or not target.startswith(base) or target.startswith("//") or dots:
        return base
    return target


def _digest(nonce: str) -> bytes:
    return hashlib.sha256(nonce.encode("utf-8", "surrogatepass")).digest()
