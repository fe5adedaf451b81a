"""One direction of a stream where it arrives."""

from __future__ import annotations


class Incoming:
    """How much has arrived, and how much of that the other end knows of."""

    def __init__(self) -> None:
        self.got = 0
        self.ended = False
        self._receipted = 0

    @property
    def unreceipted(self) -> int:
        """What has arrived, the end counting as one, and the other end does not know that."""
        return self.got + self.ended - self._receipted

    def receipt(self) -> int:
        """The count that goes with the next frame."""
        self._receipted = self.got + self.ended
        return self._receipted
