"""Prints a log: its last lines, those before its last start, or what is added, from a position on.

It runs on the host, in a Python that may be 3.8, and prints a line of JSON for some lines of the log each:
`{"lines": [[time, text], ...], "position": "...", "missed": false}`. A time is as `log_reader.py` writes it, or null. A
position names a file by its beginning, which a change of its name leaves as it is, and an offset in bytes. `missed` is
true if the file is no longer there, so that lines may be missing before these.

Usage: log_probe.py FOLDER LINES last|previous|follow POSITION LOG
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator

NAMES = ["{}.2", "{}.1", "{}"]  # of the files, once it is known what the log is called
START = b"nbfab: the server starts"
STAMP = 28  # bytes of a time and the blank behind it
MOST = 4000000  # bytes of JSON for lines that are printed at once, from their end
LARGEST = 16000000  # bytes of a file that are looked at, from its end: one of an earlier release may be of any size
LINE = 65536 + STAMP  # bytes of a line; what is longer is of no reader of ours, and is cut
BATCH = 100  # lines in a line of JSON, and about
BYTES = 100000  # bytes
NAP, BEAT = 0.2, 2.0  # seconds between two looks at the file, and two signs of life


class Part:
    """A file of the log, open, so that a change of its name does not matter."""

    def __init__(self, path: str) -> None:
        self.file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        there = os.fstat(self.file)
        self.inode = there.st_ino
        head = os.pread(self.file, STAMP, 0)
        # Of an earlier release's, there is no time in front of the first line.
        self.name = head[:-1].decode() if time_of(head) else f"i{self.inode}"
        self.empty = b"\n" not in os.pread(self.file, LINE, 0)

    def begin(self) -> int:
        """Where the lines begin that are looked at."""
        size = os.fstat(self.file).st_size
        if size <= LARGEST:
            return 0
        first, mark, _ = os.pread(self.file, LINE, size - LARGEST).partition(b"\n")
        return size - LARGEST + len(first) + len(mark)

    def lines(self, offset: int, last: bool) -> Iterator[tuple[bytes, int]]:
        """The lines from `offset` on, each with the offset behind it; without its end only if nothing follows."""
        rest = b""
        while True:
            chunk = os.pread(self.file, 1 << 20, offset + len(rest))
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                offset += len(line) + 1
                yield line, offset
            if not chunk:
                break
        if rest and not last:
            yield rest, offset + len(rest)


def parts() -> list[Part]:
    """The files that there are, the oldest first: as they are at one moment, whatever is renamed meanwhile."""
    while True:
        found = []
        try:
            for name in NAMES:
                if os.path.lexists(name):
                    found.append(Part(name))
            now = [os.stat(name).st_ino for name in NAMES if os.path.lexists(name)]
            if now == [part.inode for part in found]:
                kept, found = found, []
                return kept
        except FileNotFoundError:
            pass
        finally:
            close(found)


def close(found: list[Part]) -> None:
    """Closes them."""
    for part in found:
        os.close(part.file)


def time_of(line: bytes) -> str:
    """The time in front of a line; empty if there is none."""
    head = line[: STAMP - 1]
    shape = head.translate(bytes.maketrans(b"123456789", b"000000000"))
    return head.decode() if shape == b"0000-00-00T00:00:00.000000Z" and line[STAMP - 1 : STAMP] == b" " else ""


def text_of(line: bytes) -> bytes:
    """The line without it."""
    return line[STAMP:] if time_of(line) else line


def shown(line: bytes) -> str:
    """What is printed of it; JSON takes up to six times as many bytes."""
    return text_of(line[:LINE]).decode("utf-8", "replace")


def after(position: str) -> Iterator[tuple[bytes, str, bool]]:
    """The lines behind a position, each with its own, and whether there may have been more before it."""
    name, _, offset = position.rpartition("+")
    found = parts()
    try:
        names = [part.name for part in found]
        at = len(names) - 1 - names[::-1].index(name) if name in names else -1
        missed = bool(name) and at < 0
        for number, part in enumerate(found):
            if number < at or part.empty:
                continue
            begin = int(offset) if number == at else part.begin()
            for line, end in part.lines(begin, number == len(found) - 1):
                yield line, f"{part.name}+{end}", missed
                missed = False
    finally:
        close(found)


def last(count: int, every: list[tuple[bytes, str, bool]]) -> list[tuple[bytes, str, bool]]:
    """The last of them, as many as may be printed at once."""
    size, first = 0, len(every)
    while first and len(every) - first < count and size < MOST:
        first -= 1
        size += len(json.dumps(shown(every[first][0])))
    return every[first:]


def previous(every: list[tuple[bytes, str, bool]]) -> list[tuple[bytes, str, bool]]:
    """Those before the last start, as far back as the start before it."""
    starts = [number for number, (line, _, _) in enumerate(every) if text_of(line) == START]
    if not starts:
        return []
    return every[starts[-2] if len(starts) > 1 else 0 : starts[-1]]


def put(some: list[tuple[bytes, str, bool]], position: str) -> None:
    """Prints lines, or a sign of life; ends the program if no one is there to read it."""
    lines = [[time_of(line) or None, shown(line)] for line, _, _ in some]
    record = {"lines": lines, "position": position, "missed": any(missed for _, _, missed in some)}
    data = json.dumps(record).encode() + b"\n"
    try:
        while data:
            data = data[os.write(1, data) :]
    except OSError:
        os._exit(0)


def put_all(every: Iterator[tuple[bytes, str, bool]] | list[tuple[bytes, str, bool]], position: str) -> str:
    """Prints them, some at a time; the position behind them."""
    some: list[tuple[bytes, str, bool]] = []
    size = 0
    for one in every:
        some.append(one)
        size, position = size + len(one[0]), one[1]
        if len(some) >= BATCH or size >= BYTES:
            put(some, position)
            some, size = [], 0
    if some:
        put(some, position)
    return position


def follow(position: str) -> None:
    """Prints what is added, until no one reads it."""
    seen, beat = (0, 0), 0.0
    while True:
        try:
            there = os.stat(NAMES[-1])
            now = (there.st_ino, there.st_size)
        except FileNotFoundError:
            now = (0, 0)
        if now != seen:
            seen, before = now, position
            position = put_all(after(position), position)
            beat = beat if position == before else time.monotonic()
        if time.monotonic() - beat >= BEAT:
            put([], position)
            beat = time.monotonic()
        time.sleep(NAP)


def main(folder: str, count: int, what: str, position: str, log: str) -> None:
    """Prints what was asked for."""
    os.chdir(folder)
    NAMES[:] = [name.format(log) for name in NAMES]
    if not position:
        every = list(after(""))
        end = every[-1][1] if every else ""
        chosen = last(count, previous(every) if what == "previous" else every)
        put([], "" if what == "follow" and chosen else end)
        position = put_all(chosen, end)
    if what == "follow":
        follow(position)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5])
