"""The login shell."""

import re
from typing import Any

from nbfab.look.fact import fact, number, word
from nbfab.records import dataclass

TICKS = 100  # a second, in what proc(5) tells of processes; so it is on every Linux


def _seconds(value: Any) -> float:
    if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,4})?", word(value)):
        raise ValueError("no number of seconds")
    return float(value)


@dataclass(frozen=True, kw_only=True)
class ShellFacts:
    """When the login shell began, in ticks since the start of the host, and the `uptime` once it ran a program, in
    seconds. Both are 0 where there is no proc(5).
    """

    began: int = fact(number, default=0)
    uptime: float = fact(_seconds, default=0.0)

    @property
    def seconds(self) -> float:
        """How long the login shell took for its startup files; 0 if that is not known."""
        return max(0.0, self.uptime - self.began / TICKS) if self.began else 0.0
