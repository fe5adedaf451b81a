"""A file that was given."""

from dataclasses import field

from nbfab.records import dataclass

LONGEST = 60_000  # bytes that are read of one; a chain of four has 8,000


@dataclass(frozen=True)
class Given:
    """A file that was given: its `name` as typed, and what is in it."""

    name: str
    data: bytes = field(repr=False)
