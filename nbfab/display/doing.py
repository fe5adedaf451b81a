"""What a host is at, as displays show it."""

from nbfab.records import dataclass


@dataclass
class Doing:
    """What a host is at, since when, what it has printed last, and when there was a line on it (monotonic seconds)."""

    host: str
    line: str
    since: float
    told: float
    heard: str = ""
