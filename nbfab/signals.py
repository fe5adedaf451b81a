"""Signals that end a program: each is Control-C, so that hosts at work get their grace and the report is given."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from nbfab.errors import Ended

ENDS = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
# Seconds. When a terminal is closed, the kernel sends SIGHUP and bash sends one more; systemd sends SIGTERM and SIGHUP.
# That is one event, and no sign of impatience.
AT_ONCE = 1.0


@contextmanager
def as_control_c() -> Iterator[None]:
    """Inside, such a signal raises Ended in the main thread, unless it is ignored, as under nohup(1), or handled."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    last = [-AT_ONCE]

    def end(number: int, frame: FrameType | None) -> None:
        before, last[0] = last[0], time.monotonic()
        if last[0] - before >= AT_ONCE:
            raise Ended(signal.Signals(number))

    taken = [number for number in ENDS if signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


@contextmanager
def ignored() -> Iterator[None]:
    """Inside, neither such a signal nor Control-C does anything."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, *ENDS)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
