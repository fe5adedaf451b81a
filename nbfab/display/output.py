"""Output: the one way to a person. All that is shown or asked passes through here, and is made safe on the way."""

import contextlib
import errno
import getpass
import os
import signal
import sys
import termios
import threading
from collections.abc import Iterator
from typing import Any, TextIO

from nbfab.errors import Ended
from nbfab.text import clean, clean_line


class Lasting:
    """A stream to a terminal that may be gone (SIGHUP): what is written then is lost, which is no error."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """As `TextIO.write`."""
        if self._stream is not None:
            try:
                self._stream.write(text)
            except OSError as error:
                self._gone(error)
        return len(text)

    def flush(self) -> None:
        """As `TextIO.flush`."""
        if self._stream is not None:
            try:
                self._stream.flush()
            except OSError as error:
                self._gone(error)

    def isatty(self) -> bool:
        """As `TextIO.isatty`."""
        return self._stream is not None and self._stream.isatty()

    def _gone(self, error: OSError) -> None:
        """Lets the rest vanish, also what the interpreter still writes as it exits. Raises any other error."""
        if error.errno != errno.EIO or self._stream is None:
            raise error
        os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Screen:
    """Standard error as something to write steps on: on a terminal in one line that is overwritten, or a line each."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = Lasting(stream or sys.stderr)
        self._live = self._stream.isatty()
        self._lock = threading.Lock()

    def step(self, text: str, width: int) -> None:
        """Shows a step, cut to `width` columns if it will be overwritten."""
        shown = clean_line(text)
        with self._lock:
            _put(self._stream, f"\r\x1b[K{shown[:width]}" if self._live else f"{shown}\n")

    def clear(self) -> None:
        """Clears the line, so that other output can follow."""
        if self._live:
            with self._lock:
                _put(self._stream, "\r\x1b[K")


def show(text: str) -> None:
    """Shows text on standard output. What `--json` prints is ASCII, so this leaves it as it is."""
    _put(Lasting(sys.stdout), f"{clean(text)}\n")


def complain(text: str) -> None:
    """Shows text on standard error."""
    _put(Lasting(sys.stderr), f"{clean(text)}\n")


def typed(prompt: str) -> str:
    """The line that is typed at a prompt, with its line end; empty at the end of input. Raises KeyboardInterrupt."""
    _put(Lasting(sys.stderr), clean(prompt))  # standard output may be a document
    with _terminal_may_go():
        return sys.stdin.readline()


def typed_unseen(prompt: str) -> str:
    """What is typed at a prompt without an echo. Raises EOFError at the end of input, KeyboardInterrupt."""
    with _terminal_may_go():
        return getpass.getpass(clean(prompt))


@contextlib.contextmanager
def _terminal_may_go() -> Iterator[None]:
    """A terminal that goes away while it is read is Control-C: getpass replaces that exception by its own."""
    try:
        yield
    except (OSError, termios.error) as error:
        if error.args[:1] != (errno.EIO,):
            raise
        raise Ended(signal.SIGHUP) from None


def _put(stream: Lasting, text: str) -> None:
    stream.write(text)
    stream.flush()
