"""The sheet of passwords: a CSV file for people, made to be opened in a spreadsheet."""

import csv
import errno
import io
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from nbfab.fleet.state import locked
from nbfab.records import dataclass
from nbfab.text import clean_line
from nbfab.whole import write_whole

COLUMNS = ("host", "url", "password", "note", "address", "profile", "fingerprint")
LARGEST = 16_000_000  # bytes; a thousand hosts take some 200,000
DOUBTS = ("not certain", "no longer valid")  # how a note begins that a password may not count
_NEEDED = COLUMNS[:3]
_ALWAYS = COLUMNS[1:4]  # cells that a new row sets even if they are empty
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
    address: str = ""
    profile: str = ""
    fingerprint: str = ""


class Unfit(OSError):
    """Something that is no sheet of ours is at its path; `strerror` says what."""

    def __init__(self, what: str) -> None:
        super().__init__(errno.EINVAL, what)


@dataclass
class _Table:
    """The cells of a sheet, with whatever columns people have added."""

    columns: list[str]
    rows: list[list[str]]

    def get(self, row: Sequence[str], column: str) -> str:
        at = self.columns.index(column) if column in self.columns else len(row)
        return row[at] if at < len(row) else ""

    def put(self, row: list[str], column: str, text: str) -> None:
        if column not in self.columns:
            self.columns.append(column)
        at = self.columns.index(column)
        row += [""] * (at + 1 - len(row))
        row[at] = text

    def of(self, host: str, profile: str) -> list[list[str]]:
        """The rows of a host; where none says which profile it is of, that is not known."""
        rows = (row for row in self.rows if self.get(row, "host") == cell(host))
        return [row for row in rows if self.get(row, "profile") in ("", profile)]

    def sort(self, order: Iterable[str]) -> None:
        """Puts the rows into the order of those hosts; hosts that are not among them come last, as they were."""
        places = {cell(host): at for at, host in enumerate(order)}
        if places:
            self.rows.sort(key=lambda row: places.get(self.get(row, "host"), len(places)))


def cell(text: str) -> str:
    """Text as a cell of its own: on one line, and never a formula."""
    return clean_line(f"'{text}" if text.startswith(_FORMULA) else text)


def check(path: Path) -> bool:
    """As `make_private`, if there is a sheet. Raises OSError also if none can be written to `path`."""
    exposed = os.path.lexists(path) and make_private(path)
    # What stands beside it is put in its place, so it is the folder that has to have room.
    with tempfile.TemporaryFile(dir=path.parent) as file:
        file.write(bytes(4096))
        file.flush()
    return exposed


def make_private(path: Path) -> bool:
    """Whether others could read the sheet, until now. Raises OSError if it is none."""
    _load(path)
    number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    exposed = bool(stat.S_IMODE(os.fstat(number).st_mode) & 0o077)
    if exposed:
        os.fchmod(number, 0o600)
    os.close(number)
    return exposed


def add(path: Path, *rows: Row, order: Iterable[str] = ()) -> None:
    """Puts rows into a sheet, which is made if need be, in the place of those of the same host and profile.

    A row with a note does not replace the one that is there: it may be that which counts. Raises OSError.
    """
    with locked(path):
        table = _load(path) if os.path.lexists(path) else _Table(list(COLUMNS), [])
        for row in rows:
            _put_in(table, row)
        table.sort(order)
        _write(path, table)


def _put_in(table: _Table, row: Row) -> None:
    have = table.of(row.host, row.profile)
    new = list(have[0]) if have else []  # what people have added to it stays
    for column, text in asdict(row).items():
        if text or column in _ALWAYS or not have:
            table.put(new, column, text if column == "password" else cell(text))
    at = next((at for at, each in enumerate(table.rows) if have and each is have[-1]), len(table.rows) - 1)
    table.rows.insert(at + 1, new)
    if not row.note:
        table.rows = [each for each in table.rows if not any(each is old for old in have)]


def correct(path: Path, host: str, profile: str, notes: Mapping[str, str]) -> bool:
    """Sets the notes on a host's passwords; of several, one that counts leaves no room for others.

    All else stays. Returns whether that changes anything. Raises OSError.
    """
    with locked(path):
        try:
            table = _load(path)
        except OSError:  # the sheet is gone, or something else is in its place
            return False
        before = [list(row) for row in table.rows]
        mine = [row for row in table.of(host, profile) if table.get(row, "password") in notes]
        counts = any(not notes[table.get(row, "password")] for row in mine)
        for row in mine:
            note = notes[table.get(row, "password")]
            if note and counts and table.get(row, "profile"):
                table.rows = [each for each in table.rows if each is not row]
            elif table.get(row, "note") != cell(note):
                table.put(row, "note", cell(note))
        if table.rows != before:
            _write(path, table)
        return table.rows != before


def update(path: Path, rows: Iterable[Row]) -> bool:
    """Sets URL, address and fingerprint of the hosts that a sheet has; their passwords stay.

    Returns whether that changes anything. Raises OSError.
    """
    with locked(path):
        try:
            table = _load(path)
        except OSError:
            return False
        if "fingerprint" not in table.columns:  # of an earlier release
            return False
        changes = False
        for row in rows:
            values = {column: cell(getattr(row, column)) for column in ("url", "address", "profile", "fingerprint")}
            for have in table.of(row.host, row.profile):
                changed = {column: text for column, text in values.items() if table.get(have, column) != text}
                for column, text in changed.items():
                    table.put(have, column, text)
                changes = changes or bool(changed)
        if changes:
            _write(path, table)
        return changes


def passwords(path: Path, host: str, profile: str) -> Sequence[str]:
    """The passwords of a host on a sheet; none if the sheet is gone, or is a link."""
    try:
        table = _load(path)
    except OSError:
        return []
    return [table.get(row, "password") for row in table.of(host, profile)]


def rows(path: Path) -> Iterator[Row]:
    """The rows of a sheet, as they stand there. Raises OSError."""
    table = _load(path)
    for row in table.rows:
        yield Row(*(table.get(row, column) for column in COLUMNS))


def _load(path: Path) -> _Table:
    """The cells. Raises OSError: Unfit if that is no such sheet, or someone has put a link in its place."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise (Unfit("it is a symbolic link") if error.errno == errno.ELOOP else error) from None
    about = os.fstat(number)
    if not stat.S_ISREG(about.st_mode):
        os.close(number)
        raise Unfit("it is not a regular file")
    with open(number, encoding="utf-8-sig", newline="") as file:
        if about.st_uid != os.geteuid():
            raise Unfit(f"it belongs to another user (uid {about.st_uid})")
        if about.st_size > LARGEST:
            raise Unfit("it is too large for a list of passwords")
        try:
            lines = [row for row in csv.reader(file, strict=True) if row]
        except (ValueError, csv.Error):
            raise Unfit("it is not a CSV file") from None
    if not lines:
        return _Table(list(COLUMNS), [])
    columns, *rows = lines
    if any(columns.count(column) != 1 for column in _NEEDED):
        raise Unfit(f"its first line does not name the columns {','.join(_NEEDED)}")
    columns += [""] * (max(map(len, lines)) - len(columns))  # cells without a heading stay where they are
    return _Table(columns, rows)


def _write(path: Path, table: _Table) -> None:
    text, width = io.StringIO(), len(table.columns)
    whole = ([*row, *[""] * (width - len(row))] for row in table.rows)
    csv.writer(text, lineterminator="\n").writerows([table.columns, *whole])
    write_whole(path, text.getvalue(), durable=True)
