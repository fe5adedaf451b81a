"""The sheet of passwords: a CSV file for people, made to be opened in a spreadsheet."""

import csv
import io
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nbfab.fleet.state import write_whole
from nbfab.text import clean_line

COLUMNS = ("host", "url", "password", "note")
LARGEST = 16_000_000  # bytes; a thousand hosts take some 100,000
# What a spreadsheet takes for the beginning of a formula, also in its full-width form.
# https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@dataclass(frozen=True)
class Row:
    """A password and where it belongs; `note` is empty if it is certain to be in place."""

    host: str
    url: str
    password: str
    note: str = ""


def cell(text: str) -> str:
    """Text as a cell of its own: on one line, and never a formula."""
    return clean_line(f"'{text}" if text.startswith(_FORMULA) else text)


def add(path: Path, row: Row) -> None:
    """Adds a row to a sheet, which is made if need be. Raises OSError."""
    rows = _read(path) or [list(COLUMNS)]
    _write(path, [*rows, [cell(row.host), cell(row.url), row.password, cell(row.note)]])


def correct(path: Path, host: str, notes: Mapping[str, str]) -> bool:
    """Sets the notes on a host's passwords, all else stays; returns whether that changes anything. Raises OSError."""
    before = _read(path)
    rows = [
        [*row[:3], cell(notes[row[2]]), *row[4:]] if row[:1] == [cell(host)] and row[2:3] and row[2] in notes else row
        for row in before
    ]
    if rows != before:
        _write(path, rows)
    return rows != before


def passwords(path: Path, host: str) -> Sequence[str]:
    """The passwords of a host on a sheet; none if the sheet is gone, or is a link."""
    return [row[2] for row in _read(path)[1:] if row[:1] == [cell(host)] and len(row) > 2]


def _read(path: Path) -> list[list[str]]:
    """The rows with their heading; empty if that is not such a sheet, or someone has put a link in its place."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return []
    with open(number, encoding="utf-8-sig", newline="") as file:
        about = os.fstat(number)
        if not stat.S_ISREG(about.st_mode) or about.st_uid != os.geteuid() or about.st_size > LARGEST:
            return []
        try:
            rows = list(csv.reader(file))
        except (ValueError, csv.Error):
            return []
    return rows if rows and tuple(rows[0][:4]) == COLUMNS else []


def _write(path: Path, rows: Sequence[Sequence[str]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    write_whole(path, text.getvalue(), durable=True)
