"""The servers that this machine remembers, for people and as JSON."""

from collections.abc import Iterator, Sequence
from itertools import groupby, takewhile
from typing import Any

from nbfab.display.lines import parts
from nbfab.display.paint import Line, Painted, Piece
from nbfab.fix import Fix, document
from nbfab.fleet.known import Known
from nbfab.outcome import Outcome
from nbfab.records import dataclass
from nbfab.run.describe import LOG_ENDS
from nbfab.text import clean_line
from nbfab.units import stamp

_HEAD = ("HOST", "PROFILE", "PORT", "STATE", "SEEN", "URL")


@dataclass(frozen=True)
class Row:
    """A server, the URL here if `open` has it open, the command that looks at it, and how a look at it has ended."""

    server: Known
    opened: str
    command: str
    outcome: Outcome | None = None

    @property
    def differs(self) -> bool:
        """Whether it was looked at, and is not as it should be: it neither runs, nor was stopped."""
        if self.outcome is None:
            return False
        stopped = self.outcome.verdict == "not running" and not self.server.runs
        return bool(self.outcome.status) and not stopped


def table(rows: Sequence[Row]) -> Painted:
    """A line per server, below the inventory that has its host; then what is not as it should be, and its fix."""
    cells = [_HEAD, *map(_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines: list[Line] = [_aligned(_HEAD, widths, "")]
    for inventory, group in groupby(rows, lambda row: row.server.inventory):
        if inventory:
            lines += ["", f"{clean_line(inventory)}:"]
        lines += [_aligned(_cells(row), widths, _style(row)) for row in group]
    for row in filter(lambda row: row.differs, rows):
        lines += ["", *_why(row)]
    return Painted(lines)


def nothing(why: str, fix: Fix) -> Painted:
    """What to say instead of a table."""
    return Painted([why, *parts("", fix)])


def as_json(row: Row) -> dict[str, Any]:
    """The same as JSON."""
    server, outcome = row.server, row.outcome.named() if row.outcome else None
    return {
        "host": server.host,
        "profile": server.profile,
        "inventory": server.inventory or None,
        "port": server.port or None,
        "url": server.url or None,
        "seen": server.seen,
        "time": stamp(server.time),
        "expected": "running" if server.runs else "not running",
        "open": row.opened or None,
        "command": row.command,
        "error": (outcome.error or None) if outcome else None,
        "fix": document(outcome.fix) if outcome else [],
    }


def _cells(row: Row) -> tuple[str, ...]:
    server = row.server
    urls = [server.url, *([f"open at {row.opened}"] if row.opened else [])]
    port = str(server.port or "")
    cells = (server.host, server.profile, port, server.seen, stamp(server.time), "  ".join(filter(None, urls)))
    return tuple(map(clean_line, cells))


def _style(row: Row) -> str:
    if row.differs:
        return "bold bad"
    return "good" if row.server.seen == "running" else "mixed"


def _aligned(cells: Sequence[str], widths: Sequence[int], style: str) -> Line:
    texts = [f"{cell:{width}}" for cell, width in zip(cells, widths, strict=True)]
    texts[-1] = cells[-1]
    *before, state, seen, url = texts
    if not url:
        seen = seen.rstrip()
    return Piece("  ".join([*before, ""])), Piece(state, style), Piece(f"  {seen}  {url}".rstrip())


def _why(row: Row) -> Iterator[Line]:
    assert row.outcome
    first, *more = row.outcome.error.splitlines() or [row.outcome.verdict]
    yield Piece(f"{row.server.host}: "), Piece(first, "bad")
    yield from (f"      {text}" for text in takewhile(lambda text: text != LOG_ENDS, more))
    yield from parts("fix", row.outcome.named().fix)
