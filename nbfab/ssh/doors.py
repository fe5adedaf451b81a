"""Doors: limits logins to one address, at a time and in a while, to what its sshd puts up with."""

import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import field
from typing import Protocol

from nbfab.errors import ConnectError, Denied, Dropped, HostKeyError, Penalized
from nbfab.records import dataclass

PENALTY = "Not allowed at this time"  # sshd's words to an address it punishes (PerSourcePenalties, since OpenSSH 9.8)
AT_ONCE = 8  # handshakes with one address; above 10, sshd drops some (MaxStartups, sshd_config(5))
FIRST = 2  # of them, until it is known how the address takes them
TRIES = 5  # to get past an sshd that drops connections; some 8 seconds in all
# What a connection that ends without a login costs our address, in seconds, and the sum that makes sshd refuse it, and
# everyone else here with it: its defaults for PerSourcePenalties, with one second to spare each, as it rounds.
FAILED, UNTRIED, LIMIT = 6.0, 2.0, 15.0
SHUT = 5.0  # seconds until an address that refuses us is asked again
PATIENCE = 90.0  # seconds that a host waits for its turn; of some dozens on one address, each gets one


class Visitor(Protocol):
    """A connection: where to, and whether the sshd there is known to punish failed logins."""

    @property
    def address(self) -> tuple[str, int]: ...

    @property
    def punishable(self) -> bool: ...


@dataclass(frozen=True)
class Address:
    """Where OpenSSH connects to; what its sshd makes of failed logins is not known."""

    address: tuple[str, int]
    punishable: bool = False


@dataclass
class _Door:
    """What is known of an address: how many are inside and may be, and until when its penalties last."""

    inside: int = 0
    width: int = FIRST
    punishes: bool = False
    owed: float = 0
    shut: float = 0
    denied: int = 0

    def is_open(self) -> bool:
        """Whether one more may enter: none whose failure would be one too many."""
        now = time.monotonic()
        if now < self.shut or self.inside >= self.width:
            return False
        return not self.punishes or max(0.0, self.owed - now) + FAILED * (self.inside + 1) < LIMIT

    def owes(self, seconds: float) -> None:
        """Adds a penalty, which runs from the end of those before it."""
        self.owed = max(self.owed, time.monotonic()) + seconds


def penalized(where: str) -> Penalized:
    """The error for a host, `where` it is, that refuses this address."""
    return Penalized(
        f"{where}the host refuses this address for a while, after failed logins (PerSourcePenalties)",
        "wait some minutes, or log in to the host from another address",
    )


@dataclass
class Doors:
    """Spaces out logins to one address, tries again if sshd drops one, and backs off where too many have failed."""

    _doors: dict[tuple[str, int], _Door] = field(default_factory=lambda: defaultdict(_Door))
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def enter(self, visitor: Visitor, connect: Callable[[], None], sees: Callable[[str], None]) -> None:
        """Calls `connect` when it is its turn, and again while the host drops it or refuses our address, within bounds.

        `sees` gets a line for each retry. Raises ConnectError if its turn does not come.
        """
        end, attempt = time.monotonic() + PATIENCE, 1
        while True:
            door = self._turn(visitor, end, sees)
            try:
                connect()
            except Dropped:
                if attempt == TRIES:
                    raise
                sees(f"it hung up; trying again ({attempt} of {TRIES - 1})")
                # Random, so that they do not all come back at once.
                again = time.monotonic() + 0.5 * 2 ** (attempt - 1) * random.uniform(0.5, 1.0)  # noqa: S311
                attempt += 1
            except Penalized:
                again = time.monotonic() + SHUT
                with self._changed:
                    door.shut, door.width, door.punishes = again, 1, True
                if again > end:
                    raise
                sees("the host refuses this address after failed logins; waiting")
            except Exception as error:
                self._note(door, visitor, error)
                raise
            else:
                self._note(door, visitor, None)
                return
            finally:
                with self._changed:
                    door.inside -= 1
                    self._changed.notify_all()
            time.sleep(max(0.0, again - time.monotonic()))

    def _turn(self, visitor: Visitor, end: float, sees: Callable[[str], None]) -> _Door:
        told = False
        with self._changed:
            door = self._doors[visitor.address]
            while not door.is_open():
                if time.monotonic() > end and door.denied and door.punishes:
                    raise ConnectError(
                        f"not tried: {door.denied} logins to {visitor.address[0]} have failed, and after more it would "
                        "refuse this address for a while (PerSourcePenalties)",
                        "see to those that failed, then run it again",
                    )
                if not told and door.denied:
                    sees("waiting: logins to its address have failed")
                    told = True
                self._changed.wait(0.2)
            door.inside += 1
            return door

    def _note(self, door: _Door, visitor: Visitor, error: Exception | None) -> None:
        """Notes how a visit ended, and what it cost."""
        with self._changed:
            door.punishes = door.punishes or visitor.punishable
            if isinstance(error, Denied | HostKeyError):
                door.denied += 1
                door.owes(FAILED if isinstance(error, Denied) else UNTRIED)
            else:
                door.width = min(AT_ONCE, door.width + 1)
