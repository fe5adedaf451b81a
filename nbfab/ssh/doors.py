"""Doors: limits simultaneous handshakes with one address to what its sshd accepts."""

import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from nbfab.errors import Dropped

AT_ONCE = 8  # handshakes with one address; above 10, sshd drops some (MaxStartups, sshd_config(5))
TRIES = 5  # to get past an sshd that drops connections; some 8 seconds in all


@dataclass
class Doors:
    """Spaces out handshakes with one address, and tries again if sshd drops one."""

    _doors: dict[tuple[str, int], threading.Semaphore] = field(
        default_factory=lambda: defaultdict(lambda: threading.Semaphore(AT_ONCE))
    )
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def enter(self, address: tuple[str, int], connect: Callable[[], None], sees: Callable[[str], None]) -> None:
        """Calls `connect` until the host no longer drops it, at most TRIES times; `sees` gets a line for each retry."""
        with self._lock:
            door = self._doors[address]
        for attempt in range(1, TRIES + 1):
            try:
                with door:
                    connect()
                return
            except Dropped:
                if attempt == TRIES:
                    raise
                sees(f"it hung up; trying again ({attempt} of {TRIES - 1})")
                # Random, so that they do not all come back at once.
                time.sleep(0.5 * 2 ** (attempt - 1) * random.uniform(0.5, 1.0))  # noqa: S311
