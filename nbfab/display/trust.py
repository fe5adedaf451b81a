"""The report of `trust`: a line for each place and for each program that was tried."""

from collections.abc import Iterable, Iterator, Sequence

from nbfab.display.lines import WIDTH
from nbfab.display.paint import Line, Painted, Piece
from nbfab.trust.do import Done, Ending
from nbfab.trust.root import Root

_STYLES: dict[Ending, str] = {"done": "good", "opens": "good", "failed": "bad", "refuses": "bad", "to do": "mixed"}


def report(head: str, roots: Iterable[Root], dones: Sequence[Done], home: str) -> Painted:
    """The roots that it is about, and each place; `home` is written as ~, as people do."""
    return Painted([head, *_roots(roots), *(line for done in dones for line in _lines(done, home))])


def _roots(roots: Iterable[Root]) -> Iterator[Line]:
    for root in roots:
        yield _line("authority", root.name)
        yield _line("", f"SHA-256 {root.fingerprint}")


def _lines(done: Done, home: str) -> Iterator[Line]:
    inside = done.path.startswith(f"{home}/") and home != "/"
    where = f"~{done.path[len(home) :]}" if inside else done.path
    yield _line(
        done.ending, f"{done.what} ({where}){f': {done.why}' if done.why else ''}", _STYLES.get(done.ending, "")
    )
    for number, part in enumerate(done.fix):
        yield _line("" if number else "add" if done.ending in ("done", "there") else "fix", str(part), "bold")


def _line(label: str, text: str, style: str = "") -> Line:
    return Piece(f"  {label:{WIDTH}}", style), Piece(text)
