"""How many wrong passwords are left to an address, and to all strangers together."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Callable

EACH = ((2, 60.0), (12, 3600.0))  # of one address: two in any minute, twelve in any hour
HOUR = 3600.0  # the longest of them


class Bucket:
    """`most` tries at once, and one more each `seconds`."""

    def __init__(self, most: int, seconds: float, now: float) -> None:
        self._most, self._seconds = most, seconds
        self._left, self._at = float(most), now

    def wait(self, now: float) -> float:
        """The seconds until there is a try; 0 if there is one."""
        self._left = min(float(self._most), self._left + (now - self._at) / self._seconds)
        self._at = now
        return max(0.0, (1 - self._left) * self._seconds)

    def take(self, tries: int = 1) -> None:
        """Takes a try, or gives one back if it is -1."""
        self._left = min(float(self._most), self._left - tries)


class Limiter:
    """Counts tries by the key of where they come from: an address, a network or a local user.

    A try is taken before the password is checked, so that many at the same time count too; it is given back if it was
    right.

    Memory stays bounded without ever forgetting a try that still counts, so no guesser can have its own forgotten: a
    key is kept only if it was let through, which happens to 60 + 600 strangers an hour at most, and to keys that have
    once logged in; and it is dropped an hour after its last try, when none of them counts any longer.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tries: OrderedDict[str, list[float]] = OrderedDict()  # when; the key that was last let through is last
        self._strangers = Bucket(60, 6.0, clock())  # together: sixty at once, then ten a minute

    def __len__(self) -> int:
        return len(self._tries)

    def take(self, key: str, stranger: bool) -> float:
        """Takes a try and returns 0, or the seconds to wait for one."""
        now = self._clock()
        self._forget(now)
        tries = self._tries.get(key, [])
        wait = max(_wait(tries, now), self._strangers.wait(now) if stranger else 0.0)
        if wait:
            return wait
        if stranger:
            self._strangers.take()
        self._tries[key] = [*tries, now][-max(most for most, _ in EACH) :]
        self._tries.move_to_end(key)
        return 0.0

    def give_back(self, key: str, stranger: bool) -> None:
        """The try that was taken was right."""
        if self._tries.get(key):
            self._tries[key].pop()
        if stranger:
            self._strangers.take(-1)

    def _forget(self, now: float) -> None:
        while self._tries:
            key, tries = next(iter(self._tries.items()))
            if tries and tries[-1] + HOUR > now:
                return
            del self._tries[key]


def _wait(tries: list[float], now: float) -> float:
    """The seconds until one address has a try, after those that it has made."""
    full = [tries[-most] + seconds - now for most, seconds in EACH if len(tries) >= most]
    return max([0.0, *full])
