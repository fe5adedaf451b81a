"""The display of a run on a terminal: a line per host at work, a bar, the time."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO, TypeVar, cast

from rich.console import Console, Group
from rich.live import Live as RichLive
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from nbfab.display.output import Lasting
from nbfab.fleet.run import Run
from nbfab.text import clean_line

LINES = 15  # hosts that are shown; the bar counts them all
T = TypeVar("T")


class Live:
    """Shows a run on standard error while it lasts, and leaves nothing behind."""

    def __init__(self) -> None:
        self._console = Console(file=cast(TextIO, Lasting(sys.stderr)), highlight=False)
        self._live: RichLive | None = None
        self._lock = threading.Lock()

    @contextmanager
    def of(self, run: Run) -> Iterator[None]:
        """Shows `run`."""
        began = time.monotonic()
        with RichLive(
            console=self._console, transient=True, refresh_per_second=5, get_renderable=lambda: picture(run, began)
        ) as self._live:
            yield

    def aside(self, question: Callable[[], T]) -> T:
        """Asks a question while the display stands still."""
        with self._lock:
            if self._live is None:
                return question()
            self._live.stop()
            try:
                return question()
            finally:
                self._live.start()


def picture(run: Run, began: float) -> Group:
    """Who is at work on what, for how long; below that, how far the run is."""
    now = time.monotonic()
    lines = Table.grid(padding=(0, 2))
    at_work = sorted(dict(run.at_work).items(), key=lambda item: item[1][1])
    for name, (doing, since) in at_work[:LINES]:
        lines.add_row(_text(name), _text(doing), _text(f"{now - since:.0f} s"))
    if len(at_work) > LINES:
        lines.add_row(_text(f"and {len(at_work) - LINES} more"))
    done, failed = len(run.outcomes), sum(1 for outcome in list(run.outcomes.values()) if outcome.failed)
    bar = Table.grid(padding=(0, 2))
    counts = f"{done} of {len(run.names)}{f', {failed} failed' if failed else ''}, {now - began:.0f} s"
    stopping = "  stopping; Control-C again: at once" if run.stopping.is_set() else ""
    bar.add_row(ProgressBar(total=len(run.names), completed=done, width=30), _text(counts + stopping))
    return Group(lines, bar)


def _text(text: str) -> Text:
    """The one way in which text gets into the display: safe, and never taken for markup."""
    return Text(clean_line(text), no_wrap=True, overflow="ellipsis")
