"""Progress: which host is at what, for how long."""

import contextlib
import shutil
import threading
import time
from typing import TYPE_CHECKING, TextIO

from nbfab.display.doing import Doing
from nbfab.display.output import Screen

if TYPE_CHECKING:
    from nbfab.display.live import Watch

SOON = 1.0  # seconds until a terminal shows the time, too
LONG = 5.0  # seconds after which a line tells how long a step took
SIGN = 30.0  # seconds without a line, after which one says that the work goes on
HOSTS = 5  # that such a line tells of


class Progress:
    """Shows what is going on: on a terminal in lines that are overwritten, with the seconds that it takes.

    Otherwise each step is a line that stays. So is how long it took, if that was long, and every SIGN seconds a sign of
    life.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._screen = Screen(stream)
        self._doing: dict[str, Doing] = {}
        self._lock = threading.RLock()
        self._clock: threading.Event | None = None  # set to end the thread that follows the time
        self._watch: Watch | None = None

    @property
    def is_live(self) -> bool:
        """Whether what is shown is overwritten."""
        return self._screen.live

    def __call__(self, host: str, line: str) -> None:
        """Shows that `host` is at `line`."""
        now = time.monotonic()
        with self._lock:
            before = self._doing.get(host)
            self._doing[host] = Doing(host, line.strip(), now, now)
            if self._screen.live:
                if self._watch is None:
                    self._screen.step(f"{host}: {line}", shutil.get_terminal_size().columns - 1)
            else:
                if before and now - before.since >= LONG:
                    self._screen.step(f"{host}: that took {now - before.since:.0f} s", 0)
                self._screen.step(f"{host}: {line}", 0)
            if self._clock is None:
                self._clock = threading.Event()
                follow = self._live if self._screen.live else self._signs
                threading.Thread(target=follow, args=(self._clock,), daemon=True).start()

    def waits(self, host: str, line: str) -> None:
        """Shows that `host` is at `line` where that is overwritten: it is no step, but may take a while."""
        if self.is_live:
            self(host, line)

    def hears(self, host: str, line: str) -> None:
        """Takes note of what a program prints on `host` while it is at a step."""
        with self._lock:
            if doing := self._doing.get(host):
                doing.heard = line

    def leaves(self, host: str) -> None:
        """Nothing more is done on `host`."""
        with self._lock:
            self._doing.pop(host, None)

    def end(self) -> None:
        """Clears what is overwritten, so that other output can follow."""
        with self._lock:
            self._doing.clear()
            if self._clock:
                self._clock.set()
                self._clock = None
            watch, self._watch = self._watch, None
        if watch:
            watch.stop()  # waits for its thread, which may be waiting for the lock
        self._screen.clear()

    def _live(self, ended: threading.Event) -> None:
        """Once it has taken a while, shows the time as well; most tasks have ended before."""
        if ended.wait(SOON):
            return
        from nbfab.display.live import Watch  # and rich with it, which takes a while

        with self._lock:
            if not ended.is_set():
                self._screen.clear()
                self._watch = Watch(self._at_work)
                self._watch.start()

    def _at_work(self) -> list[Doing]:
        with self._lock:
            return list(self._doing.values())

    def _signs(self, ended: threading.Event) -> None:
        """Says that the work goes on, where nothing else has for a while."""
        while not ended.wait(min(SIGN / 10, 1)):
            with self._lock:
                now = time.monotonic()
                if not any(now - doing.told >= SIGN for doing in self._doing.values()) or ended.is_set():
                    continue
                late = [doing for doing in self._doing.values() if now - doing.since >= SIGN / 2]
                for doing in late:
                    doing.told = now
                more = [f"and {len(late) - HOSTS} more"] if len(late) > HOSTS else []
                with contextlib.suppress(BrokenPipeError):  # the next step finds out, too
                    self._screen.step("; ".join([*(_sign(doing, now) for doing in late[:HOSTS]), *more]), 0)


class Silent(Progress):
    """Shows nothing of what is going on."""

    @property
    def is_live(self) -> bool:
        return False

    def __call__(self, host: str, line: str) -> None:
        """Shows nothing."""


def _sign(doing: Doing, now: float) -> str:
    """That a host is still at work."""
    return f"{doing.host}: {now - doing.since:.0f} s so far: {doing.heard or doing.line}"
