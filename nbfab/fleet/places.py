"""Places: how many hosts are at work at a time, and how one that does not answer lends its place to the next."""

import resource
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

SILENT = 1000  # hosts at a time that nbfab waits for beside those at work
FILES = 8  # that a host at work may have open here: its connection, an agent, the pipes of ssh-keygen
OTHER = 64  # files that nbfab has open besides


class Places:
    """The places of a run; `silent` is how many hosts may have lent theirs at a time.

    Each thread of a run has a place from its beginning. It keeps that for its hosts, one after the other, until it ends
    or leaves it to one that comes back.
    """

    def __init__(self, silent: int = 0) -> None:
        self._silent = silent
        self._vacant = self._back = 0
        self._changed = threading.Condition()
        self._begins: Callable[[], None] = lambda: None

    def on_vacant(self, begins: Callable[[], None]) -> None:
        """Has `begins` called for each place that is lent: it begins a thread that takes it."""
        self._begins = begins

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Another host has the place of this one inside; at the end, this one waits until there is one for it."""
        with self._changed:
            lends = self._silent > 0
            self._silent -= lends
        if lends:
            try:
                self._begins()
            except RuntimeError:  # this machine has no more threads
                self.leave()
        try:
            yield
        finally:
            if lends:
                with self._changed:
                    self._silent += 1
                    self._back += 1
                    self._changed.wait_for(lambda: self._vacant)
                    self._vacant -= 1
                    self._back -= 1

    def is_needed(self) -> bool:
        """Whether a host has come back and waits for a place, which the thread that asks should leave to it."""
        with self._changed:
            return self._back > self._vacant

    def leave(self) -> None:
        """A thread ends, and its place is vacant."""
        with self._changed:
            self._vacant += 1
            self._changed.notify()


def silent(jobs: int) -> int:
    """How many hosts may be waited for beside those at work: as many as this process may have connections open.

    Its limit is raised for that, as far as it may be.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = jobs * FILES + OTHER + SILENT
    if hard != resource.RLIM_INFINITY:
        needed = min(needed, hard)
    if soft != resource.RLIM_INFINITY and soft < needed:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    elif soft == resource.RLIM_INFINITY:
        soft = needed
    return max(0, min(SILENT, soft - jobs * FILES - OTHER))
