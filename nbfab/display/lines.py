"""Lines with a label, of which reports are made."""

from collections.abc import Iterator

from nbfab.display.paint import Line, Piece
from nbfab.fix import Fix

WIDTH = 13  # of the first column: the longest label and two blanks
_STYLES = {"reason": "bad", "fix": "bold", "not done": "mixed", "pending": "mixed", "note": "mixed", "open": "bold"}


def parts(label: str, fix: Fix) -> Iterator[Line]:
    """A line for each part, the first with the label: a command stands alone, so that it can be copied."""
    for number, part in enumerate(fix):
        yield line("" if number else label, str(part))


def line(label: str, text: str, style: str = "") -> Line:
    """A line with a label, which may have a style of its own; `style` is the text's."""
    width = max(WIDTH, len(label) + 1)  # client_certificates is longer
    return Piece(f"  {label:{width}}", _STYLES.get(label, "")), Piece(text, style)
