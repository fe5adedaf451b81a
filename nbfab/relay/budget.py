"""The memory that all streams of an end share."""

from __future__ import annotations

from typing import Callable

STREAM = 4 << 20  # bytes that are kept for a stream, at most and but for one read
ALL = 64 << 20  # bytes that are kept for all streams; one that keeps nothing may always read once


class Budget:
    """Counts what streams keep, and who waits until there is room again; `full` is called when there is none."""

    def __init__(self, most: int = ALL, full: Callable[[], None] = lambda: None) -> None:
        self._most = most
        self._full = full
        self._used = 0
        self._waiting: set[Callable[[], None]] = set()

    def keep(self, count: int) -> None:
        """A stream keeps so many bytes more, or fewer. Those that wait are called if there is room again."""
        before, self._used = self._used, self._used + count
        if before < self._most <= self._used:
            self._full()
        if self._used < self._most and self._waiting:
            waiting, self._waiting = self._waiting, set()
            for call in waiting:
                call()

    def has_room(self, kept: int) -> bool:
        """Whether a stream that keeps so many bytes may read more."""
        return kept < STREAM and (self._used < self._most or not kept)

    def wait(self, call: Callable[[], None]) -> None:
        """Has a stream called, once there is room for all again."""
        self._waiting.add(call)

    def forget(self, call: Callable[[], None]) -> None:
        """A stream has ended."""
        self._waiting.discard(call)
