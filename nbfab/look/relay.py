"""The relay on the host."""

from nbfab.look.fact import fact, line, words
from nbfab.records import dataclass


@dataclass(frozen=True, kw_only=True)
class RelayFacts:
    """The relay of this nbfab's version: its `socket`, empty if it does not run; the names of all that are `running`.

    Only some tasks look for them.
    """

    socket: str = fact(line, default="")
    running: tuple[str, ...] = fact(words, default=())
