"""Wanted: everything that a plan follows from, besides what was seen on the host."""

from dataclasses import dataclass, field

from nbfab.passwords import Password
from nbfab.settings import Settings


@dataclass(frozen=True)
class Wanted:
    """What one server shall be, and how it is asked for.

    `names` are those that people reach the host by (what was given to -H, its HostName). `now` is this machine's
    clock, in seconds since the epoch. `password` is None where the host shall keep the one it has. `seconds` is how
    long a server may take to get ready.
    """

    settings: Settings = field(default_factory=Settings)
    names: tuple[str, ...] = ()
    now: float = 0.0
    password: Password | None = None
    restart: bool = False
    seconds: int = 60
