"""Row: a host as a fleet's page shows it."""

from __future__ import annotations

import time
from typing import Literal

from nbfab.records import dataclass

State = Literal["connecting", "up", "down", "not set up", "server stopped", "a person is needed", "failed"]
AGAIN: tuple[State, ...] = ("down", "not set up", "server stopped", "a person is needed", "failed")


@dataclass
class Row:
    """A host, its state and since when (seconds since the epoch), why that is, in its own words, and what to do.

    `url` is where its notebooks are, once there is a port for them; `notes` stay as they are.
    """

    host: str
    profile: str
    state: State = "connecting"
    since: float = 0.0
    words: str = ""
    fix: tuple[str, ...] = ()
    url: str = ""
    notes: tuple[str, ...] = ()

    def becomes(self, state: State, words: str = "", fix: tuple[str, ...] = ()) -> bool:
        """Takes that down; whether it is news."""
        if (state, words, fix) == (self.state, self.words, self.fix):
            return False
        if state != self.state:
            self.since = time.time()
        self.state, self.words, self.fix = state, words, fix
        return True

    @property
    def told(self) -> str:
        """The state in words, for people; a host that is down has been so since then."""
        at = time.strftime("%H:%M:%S", time.localtime(self.since))
        return f"down since {at}" if self.state == "down" else self.state
