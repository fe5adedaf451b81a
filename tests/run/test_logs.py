"""The server's log from afar: every line once, whatever becomes of the link, and in the order in which they came."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from machine import ROOT, Machine
from netns import Link
from processes import lives
from sshd import Sshd, wait_until

READER = (sys.executable, "-ISB", str(ROOT / "nbfab/plan/log_reader.py"))


class Server:
    """What a server prints, and the reader behind it, which begins a new file after `most` bytes."""

    def __init__(self, folder: Path, most: int = 4_000_000) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.process = subprocess.Popen(
            [*READER, str(most)], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
        )
        self.log = folder / "server.log"

    def says(self, *lines: str) -> None:
        """Prints lines, and waits until they are in the log."""
        assert self.process.stdin
        self.process.stdin.write("".join(f"{line}\n" for line in lines).encode())
        self.process.stdin.flush()
        wait_until(lambda: self.log.exists() and f" {lines[-1]}\n" in self.log.read_text(), "the log")

    def close(self) -> None:
        """Ends it."""
        assert self.process.stdin
        self.process.stdin.close()
        assert self.process.wait(30) == 0


@contextmanager
def following(machine: Machine, output: Path, *flags: str) -> "Iterator[subprocess.Popen[bytes]]":
    """A run of `logs --follow`."""
    with output.open("wb") as out, output.with_suffix(".errors").open("wb") as errors:
        run = subprocess.Popen(
            machine.command("logs", "--follow", *flags),
            env=machine.env,
            cwd=machine.work,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=errors,
        )
    try:
        yield run
    finally:
        run.kill()
        run.wait()


def probes(folder: Path) -> list[int]:
    """The processes that print the log of that profile."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if str(folder).encode() in words and b"follow" in words:
            found.append(int(path.parent.name))
    return found


@pytest.mark.parametrize("ssh", ["paramiko", "openssh"])
def test_a_log_is_followed_through_three_cuts_with_every_line_once(there: Machine, tmp_path: Path, ssh: str) -> None:
    there.program = "nbfab"
    server = Server(there.folder, most=4000)
    server.says("before 1", "before 2")
    output = tmp_path / "output"
    assert there.sshd
    with following(there, output, "--lines=1", f"--ssh={ssh}") as run:
        wait_until(lambda: "before 2" in output.read_text() or run.poll() is not None, "the first line")
        for cut in range(3):
            server.says(*(f"line {cut} {number}" for number in range(50)))
            wait_until(lambda cut=cut: f"line {cut} 9\n" in output.read_text(), "the lines")  # type: ignore[misc]
            left = probes(there.folder)
            there.sshd.cut()
            server.says(*(f"unseen {cut} {number}" for number in range(50)))
            wait_until(lambda cut=cut: f"unseen {cut} 49\n" in output.read_text(), "what was missed")  # type: ignore[misc]
            wait_until(lambda left=left: not any(map(lives, left)), "the one before to end")  # type: ignore[misc]
        run.send_signal(signal.SIGINT)
        assert run.wait(20) == 130
    wait_until(lambda: not probes(there.folder), "all to end on the host")
    server.close()
    expected = ["before 2"]
    for cut in range(3):
        expected += [f"{what} {cut} {number}" for what in ("line", "unseen") for number in range(50)]
    assert output.read_text().splitlines() == expected
    assert (there.folder / "server.log.2").exists(), "it was to be rotated meanwhile"
    assert "Traceback" not in output.with_suffix(".errors").read_text()


def test_links_of_which_no_one_says_that_they_are_gone_are_made_again(tmp_path: Path) -> None:
    with Link() as link, Sshd(tmp_path / "host", within=link.within) as sshd:
        sshd.stop()
        sshd._lines = f"ListenAddress {link.address}:{sshd.port}"
        sshd.start()
        alias = f"[127.0.0.1]:{sshd.port}"
        sshd.write_config(f"Host box\n  HostName {link.address}\n  HostKeyAlias {alias}\n  CheckHostIP no\n")
        there = Machine(tmp_path, sshd, "nbfab")
        server, output = Server(there.folder), tmp_path / "output"
        server.says("line 0")
        with following(there, output) as run:
            wait_until(lambda: "line 0" in output.read_text() or run.poll() is not None, "the first line")
            errors = output.with_suffix(".errors")
            cuts = ((link.hole, link.whole), (link.moves, None))
            for number, (ends, back) in enumerate(cuts, 1):
                ends()
                server.says(f"line {number}")
                if back:
                    wait_until(lambda number=number: errors.read_text().count("is gone") == number, "it to be noticed")  # type: ignore[misc]
                    back()
                wait_until(lambda number=number: f"line {number}\n" in output.read_text(), "what was missed")  # type: ignore[misc]
            run.send_signal(signal.SIGTERM)
            assert run.wait(20) == 143
        server.close()
        assert output.read_text() == "".join(f"line {number}\n" for number in range(3))
        there.close()


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_this_machine_s_log_is_followed_until_a_signal(here: Machine, tmp_path: Path, flags: tuple[str, ...]) -> None:
    here.program = "nbfab"
    server, output = Server(here.folder), tmp_path / "output"
    server.says("one", "two\x1b[2Jthree")
    with following(here, output, *flags) as run:
        wait_until(lambda: "three" in output.read_text() or run.poll() is not None, "the log")
        run.send_signal(signal.SIGINT)
        assert run.wait(20) == 130
    server.close()
    wait_until(lambda: not probes(here.folder), "what prints it to end")
    lines = output.read_text().splitlines()
    if flags:
        assert [json.loads(line)["text"] for line in lines] == ["one", "two\x1b[2Jthree"]
        assert {json.loads(line)["host"] for line in lines} == {"this machine"}
    else:
        assert lines == ["one", "two\\x1b[2Jthree"]


def test_following_ends_without_a_word_once_no_one_reads_it(here: Machine) -> None:
    here.program = "nbfab"
    server = Server(here.folder)
    server.says("one")
    with subprocess.Popen(
        here.command("logs", "--follow"), env=here.env, cwd=here.work, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as run:
        assert run.stdout
        assert run.stderr
        assert run.stdout.readline() == b"one\n"
        run.stdout.close()
        server.says("two")
        assert run.wait(20) == 128 + signal.SIGPIPE
        assert b"fault" not in run.stderr.read()
    server.close()


def test_following_ends_on_a_full_disk(here: Machine) -> None:
    here.program = "nbfab"
    server = Server(here.folder)
    server.says("one")
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            here.command("logs", "--follow"),
            env=here.env,
            cwd=here.work,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=30,
            check=False,
        )
    server.close()
    assert done.returncode == 1
    assert "nbfab: standard output could not be written: No space left on device\n" in done.stderr


def test_the_last_lines_and_those_before_the_last_start(here: Machine) -> None:
    server = Server(here.folder)
    start = "nbfab: the server starts"
    server.says("lost", start, *(f"first {number}" for number in range(150)), start, "second")
    assert here.ok("logs").splitlines() == [*(f"first {number}" for number in range(52, 150)), start, "second"]
    assert here.ok("logs", "--lines", "1") == "second\n"
    assert here.ok("logs", "--previous", "--lines", "2") == "first 148\nfirst 149\n"
    (line,) = here.json("logs", "--lines", "1")["state"]["log"]
    assert line["text"] == "second"
    assert line["time"].endswith("Z")
    server.close()


def test_what_a_log_holds_does_nothing_to_a_terminal_and_costs_no_line(here: Machine) -> None:
    here.program = "nbfab"
    here.folder.mkdir(parents=True)
    stamp = b"2026-01-31T08:15:00.000000Z "
    lines = (b"\x1b]0;evil\x07\x00\xff \xe2\x80\xae\rover\x9b31m", b"x" * 300_000 + b"end", stamp + b"\x00", b"last")
    (here.folder / "server.log").write_bytes(b"".join(stamp + line + b"\n" for line in lines))
    shown = here.ok("logs", "--quiet").splitlines()
    assert shown[0].replace("\ufffd", "?") == r"\x1b]0;evil\x07\x00? \u202e\rover?31m"
    assert shown[1].strip("x") == "", "it is cut"
    assert shown[2:] == [r"2026-01-31T08:15:00.000000Z \x00", "last"]
    texts = [line["text"] for line in here.json("logs")["state"]["log"]]
    assert texts[0].startswith("\x1b]0;evil\x07\x00")
    assert len(texts[1]) == 65536


def test_what_makes_no_sense_is_refused(here: Machine) -> None:
    assert "there is no log: the server has not been started" in here.fails("logs")
    assert "there is no log" in here.fails("logs", "--follow")
    assert "lines must be a whole number from 0 to 20000, not '-1'" in here.fails("logs", "--lines=-1", status=2)
    assert "leave one of them out" in here.fails("logs", "--follow", "--previous", status=2)
