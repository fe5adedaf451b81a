"""The reader of what the server prints: nothing is lost, whatever its files become."""

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from machine import ROOT

from nbfab.plan import log_reader

READER = (sys.executable, "-ISB", str(ROOT / "nbfab/plan/log_reader.py"))
PROBE = (sys.executable, "-ISB", str(ROOT / "nbfab/look/log_probe.py"))
LINE = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z (.*)")


def read(folder: Path, printed: bytes, most: int = 4_000_000) -> bytes:
    """What the reader shows of what is printed."""
    done = subprocess.run([*READER, str(most)], cwd=folder, input=printed, capture_output=True, timeout=60, check=True)
    assert not done.stderr
    return done.stdout


def kept(folder: Path) -> Iterator[bytes]:
    """The lines of all files, the oldest first, without the times, which are in order."""
    times = []
    for name in ("server.log.2", "server.log.1", "server.log"):
        if (folder / name).exists():
            for line in (folder / name).read_bytes().split(b"\n")[:-1]:
                match = LINE.fullmatch(line)
                assert match, line
                times.append(line[:27])
                yield match[1]
    assert times == sorted(times)


@pytest.mark.parametrize(
    ("printed", "lines"),
    [
        (b"", []),
        (b"one\ntwo\n", [b"one", b"two"]),
        (b"one\n\nno end", [b"one", b"", b"no end"]),
        (b"\xff\x00\r\n", [b"\xff\x00\r"]),
        (b"x" * 150_000 + b"\ny\n", [b"x" * 65536, b"x" * 65536, b"x" * (150_000 - 2 * 65536), b"y"]),
    ],
)
def test_each_line_is_kept_behind_its_time_and_shown_as_it_is(
    tmp_path: Path, printed: bytes, lines: list[bytes]
) -> None:
    assert read(tmp_path, printed) == printed
    assert list(kept(tmp_path)) == lines
    if lines:
        assert (tmp_path / "server.log").stat().st_mode & 0o777 == 0o600


def test_files_are_bounded_and_the_oldest_lines_go(tmp_path: Path) -> None:
    read(tmp_path, b"".join(b"line %d\n" % number for number in range(100_000)), most=100_000)
    lines = list(kept(tmp_path))
    assert lines == [b"line %d" % number for number in range(100_000 - len(lines), 100_000)]
    assert sorted(os.listdir(tmp_path)) == ["server.log", "server.log.1", "server.log.2"]
    assert all(path.stat().st_size < 200_000 for path in tmp_path.iterdir())


def test_a_file_that_is_taken_away_is_written_anew(tmp_path: Path) -> None:
    with subprocess.Popen([*READER, "4000000"], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as reader:
        assert reader.stdin
        assert reader.stdout
        for line in (b"one\n", b"two\n"):
            reader.stdin.write(line)
            reader.stdin.flush()
            assert reader.stdout.readline() == line
            while not (tmp_path / "server.log").exists():
                assert reader.poll() is None
            if line == b"one\n":
                (tmp_path / "server.log").unlink()
        reader.stdin.close()
    assert list(kept(tmp_path)) == [b"two"]


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "server.log").symlink_to(tmp_path / "elsewhere")
    assert read(tmp_path, b"one\n") == b"one\n"
    assert os.listdir(tmp_path) == ["server.log"]


def test_what_a_full_disk_does_not_take_is_said_once_it_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    log, write = log_reader.Log(4_000_000), os.write

    def full(file: int, text: bytes) -> int:
        raise OSError(28, "No space left on device")

    log.write([b"one"])
    monkeypatch.setattr(os, "write", full)
    log.write([b"two", b"three"])
    log.write([b"four"])
    monkeypatch.setattr(os, "write", write)
    log.write([b"five"])
    assert list(kept(tmp_path)) == [b"one", b"nbfab: 3 lines could not be written, and are lost", b"five"]


@given(st.lists(st.binary(max_size=20), max_size=30), st.integers(0, 4 * 10**15))
def test_no_two_lines_have_the_same_time(lines: list[bytes], first: int) -> None:
    whole = log_reader.stamped([line.replace(b"\n", b"") for line in lines], first).split(b"\n")[:-1]
    assert len({line[:27] for line in whole}) == len(lines)
    assert whole == sorted(whole, key=lambda line: line[:27])


def test_a_follower_of_a_fast_writer_gets_every_line_once_whatever_is_renamed(tmp_path: Path) -> None:
    """Files of 1 MB for 12 MB: the follower is killed three times on the way, and goes on where it was."""
    (tmp_path / "server.log").touch()
    count = 200_000
    got: list[str] = []

    def write(to: "subprocess.Popen[bytes]") -> None:
        assert to.stdin
        for first in range(0, count, 1000):
            to.stdin.write(b"".join(b"line %d of a log that grows fast\n" % (first + more) for more in range(1000)))
            to.stdin.flush()
            time.sleep(0.02)  # 50,000 lines a second
        to.stdin.close()

    with subprocess.Popen(
        [*READER, "1000000"], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as reader:
        writer = threading.Thread(target=write, args=(reader,))
        position = ""
        for stop in (count // 4, count // 2, 3 * count // 4, count):
            probe = subprocess.Popen(
                [*PROBE, str(tmp_path), "0", "follow", position, "server.log"], stdout=subprocess.PIPE
            )
            assert probe.stdout
            for line in probe.stdout:
                if not writer.ident:
                    writer.start()  # the follower is at work
                record = json.loads(line)
                assert not record["missed"]
                got += [text for _, text in record["lines"]]
                position = record["position"]
                if len(got) >= stop:
                    break
            probe.kill()
            probe.wait()
            probe.stdout.close()
        writer.join()
    assert got == [f"line {number} of a log that grows fast" for number in range(count)]
