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

from nbfab.display.paint import Painted, has_colours, is_dumb
from nbfab.errors import Ended
from nbfab.text import clean, clean_line

unwritten: dict[str, str] = {}
"""The streams that could not be written, and why: a full disk must not keep a task from its end, which tells of it."""


class Lasting:
    """A stream that lasts to the end of a run, whatever becomes of what is written.

    A terminal may be gone (SIGHUP), which is no error; any other failure is kept in `unwritten`. Only a reader that has
    left raises BrokenPipeError.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """As `TextIO.write`."""
        if self._stream is not None:
            try:
                self._stream.write(text)
            except UnicodeEncodeError as error:
                self.write(text.encode(error.encoding, "backslashreplace").decode(error.encoding))
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
        """Lets the rest vanish, also what the interpreter still writes as it exits."""
        if isinstance(error, BrokenPipeError) or self._stream is None:
            raise error
        if error.errno != errno.EIO:
            name = "standard error" if self._stream is sys.stderr else "standard output"
            unwritten[name] = error.strerror or str(error)
        os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Screen:
    """Standard error as something to write steps on: on a terminal in one line that is overwritten, or a line each."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = Lasting(stream or sys.stderr)
        self.live = self._stream.isatty() and not is_dumb()
        self._lock = threading.Lock()

    def step(self, text: str, width: int) -> None:
        """Shows a step, cut to `width` columns if it will be overwritten."""
        shown = clean_line(text)
        with self._lock:
            _put(self._stream, f"\r\x1b[K{shown[:width]}" if self.live else f"{shown}\n")

    def clear(self) -> None:
        """Clears the line, so that other output can follow."""
        if self.live:
            with self._lock:
                _put(self._stream, "\r\x1b[K")


def show(text: str) -> None:
    """Shows text on standard output. What `--json` prints is ASCII, so this leaves it as it is."""
    _put_text(Lasting(sys.stdout), text)


def complain(text: str) -> None:
    """Shows text on standard error."""
    _put_text(Lasting(sys.stderr), text)


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


def _put_text(stream: Lasting, text: str) -> None:
    coloured = isinstance(text, Painted) and has_colours(stream)
    _put(stream, f"{text.coloured if coloured else clean(text)}\n")  # type: ignore[attr-defined]


def _put(stream: Lasting, text: str) -> None:
    stream.write(text)
    stream.flush()
