"""The memory that all streams of an end share."""

from __future__ import annotations

from typing import Callable, Protocol

STREAM = 4 << 20  # bytes that are kept for a stream, at most and but for one read
ALL = 64 << 20  # bytes that are kept for all streams; one that keeps nothing may always read once


class Reads(Protocol):
    """What is read only as long as there is room for it."""

    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...


class Budget:
    """Counts what streams keep; `full` is called when there is no more room."""

    def __init__(self, most: int = ALL, full: Callable[[], None] = lambda: None) -> None:
        self.most = most
        self.used = 0
        self._full = full
        self._waiting: set[Share] = set()

    def change(self, by: int) -> None:
        """So many bytes more are kept, or fewer. Streams that wait go on if there is room again."""
        before, self.used = self.used, self.used + by
        if before < self.most <= self.used:
            self._full()
        if self.used < self.most and self._waiting:
            waiting, self._waiting = self._waiting, set()
            for share in waiting:
                share.mind()

    def wait(self, share: Share) -> None:
        """A stream waits for room."""
        self._waiting.add(share)

    def forget(self, share: Share) -> None:
        """A stream waits no more."""
        self._waiting.discard(share)


class Share:
    """What one stream keeps of what it `reads`."""

    def __init__(self, budget: Budget, reads: Reads) -> None:
        self._budget, self._reads = budget, reads
        self._kept = 0

    def keeps(self, kept: int) -> None:
        """It keeps so many bytes now."""
        by, self._kept = kept - self._kept, kept
        if by:
            self._budget.change(by)
            self.mind()

    @property
    def full(self) -> bool:
        """Whether there is no more room for it."""
        return self._kept >= STREAM or self._none_for_any

    @property
    def _none_for_any(self) -> bool:
        return self._budget.used >= self._budget.most and self._kept > 0

    def mind(self) -> None:
        """Reads on, or not."""
        if self.full:
            self._reads.pause_reading()
            if self._none_for_any:
                self._budget.wait(self)
        else:
            self._budget.forget(self)
            self._reads.resume_reading()

    def end(self) -> None:
        """It keeps nothing any more, and reads nothing."""
        self._budget.forget(self)
        self._budget.change(-self._kept)
        self._kept = 0
