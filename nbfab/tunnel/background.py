"""Background: goes on without the terminal once the link is up."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from nbfab.tunnel.supervisor import ENDS

MOST = 256_000  # bytes of a log; the older half goes then


class Output:
    """Writes to the log, and until `leave` to the terminal too."""

    def __init__(self, log: int, status: int) -> None:
        self._log, self._status = log, status

    def write(self, text: str) -> int:
        """As TextIO.write; what cannot be written is lost."""
        data = text.encode("utf-8", "replace")
        if self._status >= 0:
            with suppress(OSError):
                os.write(1, data)
        with suppress(OSError):
            if os.fstat(self._log).st_size > MOST:
                rest = os.pread(self._log, MOST, MOST // 2)
                os.ftruncate(self._log, 0)
                data = rest.partition(b"\n")[2] + data
            os.write(self._log, data)
        return len(text)

    def flush(self) -> None:
        """As TextIO.flush."""

    def isatty(self) -> bool:
        """As TextIO.isatty: what is written here is kept."""
        return False

    def leave(self, status: int = 0) -> None:
        """Lets the command that was typed end, with that exit status."""
        if self._status < 0:
            return
        null = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1):
            os.dup2(null, number)
        os.dup2(self._log, 2)  # what Python itself may have to say
        os.close(null)
        with suppress(OSError):
            os.write(self._status, bytes([status]))
        os.close(self._status)
        self._status = -1


def start(log: Path, work: Callable[[Output], int]) -> int:
    """Does `work` in a process of its own; the exit status of this one, once that lets it end. Raises OSError."""
    number = os.open(log, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    status, theirs = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if not child:
        os.close(status)
        os.setsid()  # neither Control-C nor the end of the terminal reaches it
        output = Output(number, theirs)
        ended = 1
        try:
            ended = work(output)
        finally:
            output.leave(ended)
        return ended
    os.close(theirs)
    os.close(number)
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDS)
        said = os.read(status, 1)
    except KeyboardInterrupt:
        os.kill(child, signal.SIGTERM)
        said = os.read(status, 1)
    return said[0] if said else 1
