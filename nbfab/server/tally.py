"""What went wrong: how often, from where, and how much of it goes to the log."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Any, Callable

from .limiter import Bucket

ADDRESSES = 4096
MINUTE = 60.0


class Tally:
    """Counts failed logins. What guessers could do as often as they like goes to the log, but cannot fill the disk."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._since = int(time.time())
        self._failed = self._refused = self._unsaid = 0
        self._addresses: set[str] = set()
        self._clock = clock
        self._lines = Bucket(20, 6.0, clock())  # of all: twenty at once, then ten a minute
        self._said: OrderedDict[str, float] = OrderedDict()  # of one key: one a minute

    def failed(self, key: str) -> None:
        """A password was wrong."""
        self._failed += 1
        self._from(key)

    def refused(self, key: str) -> None:
        """A password was not looked at."""
        self._refused += 1
        self._from(key)

    def say(self, log: Any, key: str, text: str) -> None:
        """Logs a line, if there were not too many of late; else the next one tells how many were left out."""
        now = self._clock()
        while self._said and next(iter(self._said.values())) <= now - MINUTE:
            self._said.popitem(last=False)
        if key in self._said or self._lines.wait(now):
            self._unsaid += 1
            return
        self._lines.take()
        self._said[key] = now
        log.warning("%s%s", text, f" ({self._unsaid} such lines left out before)" if self._unsaid else "")
        self._unsaid = 0

    def report(self) -> dict[str, int]:
        """The counts; `since` in seconds since 1970, `addresses` at most 4096."""
        return {
            "count": self._failed,
            "refused": self._refused,
            "since": self._since,
            "addresses": len(self._addresses),
        }

    def _from(self, key: str) -> None:
        if len(self._addresses) < ADDRESSES:
            self._addresses.add(key)
