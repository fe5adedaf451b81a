"""The relay on the host."""

from dataclasses import dataclass

from nbfab.look.fact import fact, line


@dataclass(frozen=True, kw_only=True)
class RelayFacts:
    """The relay of this nbfab's version: its `socket`, empty if it does not run, or was not looked for."""

    socket: str = fact(line, default="")
