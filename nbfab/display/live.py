"""What is overwritten on a terminal while a run lasts: a line per host at work, a bar, the time."""

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO, TypeVar, cast

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.live import Live as RichLive
from rich.measure import Measurement
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text

from nbfab.display.doing import Doing
from nbfab.display.output import Lasting
from nbfab.fleet.run import Run
from nbfab.text import clean_line

LINES = 15  # hosts that are shown; the bar counts them all
WIDTH = 30  # of the bar
T = TypeVar("T")


class Watch:
    """Shows on standard error what hosts are at, until it is stopped, and leaves nothing behind."""

    def __init__(self, at_work: Callable[[], Sequence[Doing]]) -> None:
        self._live = RichLive(
            console=_console(),
            transient=True,
            refresh_per_second=5,
            get_renderable=lambda: rows(at_work(), time.monotonic()),
        )

    def start(self) -> None:
        """Begins to show it."""
        self._live.start()

    def stop(self) -> None:
        """Clears it."""
        self._live.stop()


class Live:
    """Shows a run on standard error while it lasts, and leaves nothing behind."""

    def __init__(self) -> None:
        self._console = _console()
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


class Bar:
    """How much of a run is done, such as `[━━━━━━     ]`: what is not done is empty, whatever the colours."""

    def __init__(self, done: int, total: int) -> None:
        self._done, self._total = done, total

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        full = WIDTH * self._done // max(self._total, 1)
        yield Segment("[")
        yield Segment(("#" if options.ascii_only else "━") * full, Style(color="green"))
        yield Segment(" " * (WIDTH - full) + "]")

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(WIDTH + 2, WIDTH + 2)


def picture(run: Run, began: float) -> Group:
    """Who is at work on what, for how long; below that, how far the run is."""
    now = time.monotonic()
    at_work = sorted(dict(run.at_work).items(), key=lambda item: item[1][1])
    doing = [Doing(name, line, since, since, run.heard.get(name, "")) for name, (line, since) in at_work]
    done, failed = len(run.outcomes), sum(1 for outcome in list(run.outcomes.values()) if outcome.failed)
    counts = f"{done} of {len(run.names)}{f', {failed} failed' if failed else ''}, {now - began:.0f} s"
    stopping = "  stopping; Control-C again: at once" if run.stopping.is_set() else ""
    bar = Table.grid(padding=(0, 2))
    bar.add_row(Bar(done, len(run.names)), _text(counts + stopping))
    return Group(rows(doing, now), bar)


def rows(at_work: Sequence[Doing], now: float) -> Table:
    """A row per host: its name, what it is at, the seconds. What it prints is in a row of its own if it is alone."""
    lines = Table.grid(padding=(0, 2))
    for doing in at_work[:LINES]:
        alone = len(at_work) == 1
        words = doing.line if alone or not doing.heard else f"{doing.line.partition(': ')[0]}: {doing.heard}"
        lines.add_row(_text(doing.host, "bold"), _text(words), _text(f"{now - doing.since:.0f} s"))
        if alone and doing.heard:
            lines.add_row(_text(""), _text(doing.heard, "dim"), _text(""))
    if len(at_work) > LINES:
        lines.add_row(_text(f"and {len(at_work) - LINES} more"))
    return lines


def _console() -> Console:
    return Console(file=cast(TextIO, Lasting(sys.stderr)), highlight=False)


def _text(text: str, style: str = "") -> Text:
    """The one way in which text gets into the display: safe, and never taken for markup."""
    return Text(clean_line(text), no_wrap=True, overflow="ellipsis", style=style)
