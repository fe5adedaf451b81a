"""Progress: a line that is overwritten on a terminal, a line per step elsewhere."""

import shutil
import sys
import threading
from typing import TextIO

from nbfab.text import clean


class Progress:
    """Shows what is going on: on a terminal in one line that is overwritten, otherwise a line each. Uses no colours."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty()
        self._lock = threading.Lock()

    def __call__(self, host: str, line: str) -> None:
        """Shows that `host` is at `line`."""
        shown = clean(f"{host}: {line}").replace("\n", " ")
        with self._lock:
            if self._live:
                self._stream.write(f"\r\x1b[K{shown[: shutil.get_terminal_size().columns - 1]}")
            else:
                self._stream.write(f"{shown}\n")
            self._stream.flush()

    def end(self) -> None:
        """Clears the line, so that other output can follow."""
        if self._live:
            with self._lock:
                self._stream.write("\r\x1b[K")
                self._stream.flush()
