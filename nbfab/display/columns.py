"""Rows in columns."""

import shutil
from collections.abc import Sequence

from nbfab.display.paint import Line, Piece
from nbfab.text import clean_line


def aligned(rows: Sequence[tuple[Piece, ...]]) -> list[Line]:
    """Rows in columns; a long reason should not push the others aside, so only short cells count."""
    rows = [tuple(Piece(clean_line(text), style) for text, style in row) for row in rows]  # before they are measured
    limit = max(30, shutil.get_terminal_size((120, 24)).columns // 2)
    widths = [max(len(row[at].text) for row in rows if len(row[at].text) <= limit) for at in range(len(rows[0]))]
    return [_row(row, widths) for row in rows]


def _row(cells: tuple[Piece, ...], widths: Sequence[int]) -> Line:
    """Cells in columns of those widths, without blanks at the end."""
    while len(cells) > 1 and not cells[-1].text:
        cells = cells[:-1]
    *before, last = zip(cells, widths, strict=False)
    pieces = [piece for cell, width in before for piece in (cell, Piece(" " * (max(width - len(cell.text), 0) + 2)))]
    return [*pieces, last[0]]
