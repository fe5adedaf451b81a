"""Progress: which host is at what."""

import shutil
from typing import TextIO

from nbfab.display.output import Screen


class Silent:
    """Shows nothing of what is going on."""

    def __call__(self, host: str, line: str) -> None:
        """As `Progress`."""

    def end(self) -> None:
        """As `Progress.end`."""


class Progress:
    """Shows what is going on: on a terminal in one line that is overwritten, otherwise a line each. Uses no colours."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._screen = Screen(stream)

    def __call__(self, host: str, line: str) -> None:
        """Shows that `host` is at `line`."""
        self._screen.step(f"{host}: {line}", shutil.get_terminal_size().columns - 1)

    def end(self) -> None:
        """Clears the line, so that other output can follow."""
        self._screen.clear()
