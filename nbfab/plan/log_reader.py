"""The reader of what a program prints: writes it to a log, each line with its time, in files of bounded size.

It runs in the profile's folder, in the environment's Python, 3.8 or newer, as the last of a pipeline: `run.sh` starts
it anew if it ends before its input does. It imports little, since it stays in memory for as long as the server runs.

Usage: log_reader.py BYTES [NAME]; the log is `server.log` unless it is named.
"""

from __future__ import annotations

import os
import sys
import time

NAME = "server.log"
KEPT = 2  # files beside the one that is written, .1 and .2
CHUNK = 16384  # bytes that are read at once
LONGEST = 65536  # bytes of a line; what is longer becomes several
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


class Log:
    """The files. What a full disk does not take is lost, and the log says so once it can; nothing else ends for it."""

    def __init__(self, most: int, name: str = NAME) -> None:
        self._name = name
        self._most, self._file, self._lost, self._torn = most, -1, 0, False
        self._next = 0  # microseconds, later than any line before

    def write(self, lines: list[bytes]) -> None:
        """Appends whole lines; a new file is begun for those that would make this one longer than it may be."""
        if self._lost:
            lost = f"nbfab: {self._lost} lines could not be written, and are lost"
            lines = [lost.encode(), *lines]
        now = int(time.time() * 1000000)
        if now < self._next < now + 1000000:  # the last lines were many, or the clock was set by a little
            now = self._next
        self._next = now + len(lines)
        text = stamped(lines, now)
        try:
            self._open()
            size = os.fstat(self._file).st_size
            if size and size + len(text) > self._most:
                self._rotate()
            self._put(b"\n" + text if self._torn else text)
            self._lost = 0
        except OSError:
            self._lost += len(lines) - bool(self._lost)

    def _open(self) -> None:
        """Opens the file, or another one if what has its name now is not the one that is open."""
        if self._file >= 0:
            try:
                there, here = os.stat(self._name), os.fstat(self._file)
                if (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino):
                    return
            except OSError:
                pass
            os.close(self._file)
            self._file = -1
        self._file = os.open(self._name, _FLAGS, 0o600)

    def _rotate(self) -> None:
        for number in range(KEPT - 1, 0, -1):
            if os.path.lexists(f"{self._name}.{number}"):
                os.replace(f"{self._name}.{number}", f"{self._name}.{number + 1}")
        os.replace(self._name, f"{self._name}.1")
        self._torn = False
        self._open()

    def _put(self, text: bytes) -> None:
        while text:
            done = os.write(self._file, text)
            self._torn = text[done - 1 : done] != b"\n"
            text = text[done:]


def stamped(lines: list[bytes], first: int) -> bytes:
    """The lines, each behind its time in UTC, as `2026-01-31T08:15:00.123456Z`: a microsecond apart, from `first`."""
    found, second, shown = [], -1, b""
    for number, line in enumerate(lines, first):
        if number // 1000000 != second:
            second = number // 1000000
            shown = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)).encode()
        found.append(b"%s.%06dZ %s\n" % (shown, number % 1000000, line))
    return b"".join(found)


def pane() -> int:
    """Where what is read is shown as well: a terminal is opened anew, so that one that is held holds nothing up."""
    try:
        return os.open(os.ttyname(1), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return 1


def show(to: int, chunk: bytes) -> None:
    """Writes to that; what it does not take at once is in the log alone."""
    try:
        os.write(to, chunk)
    except OSError:
        return


def main(most: int, name: str = NAME) -> None:
    """Reads until all who write have ended."""
    log, to, rest = Log(most, name), pane(), b""
    while True:
        chunk = os.read(0, CHUNK)
        if not chunk:
            break
        show(to, chunk)
        lines = (rest + chunk).split(b"\n")
        rest = lines.pop()
        while len(rest) > LONGEST:
            lines.append(rest[:LONGEST])
            rest = rest[LONGEST:]
        if lines:
            log.write(lines)
    if rest:
        log.write([rest])


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
