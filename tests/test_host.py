"""A program on a host: its records, whatever else the host prints, and why it did not run."""

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbfab.errors import HostError
from nbfab.host import Here, run
from nbfab.program import Record, call, render


class Scripted:
    """A host that answers every program with the same bytes; `BEGIN` and `END` stand for the program's marks."""

    label, local, names, ssh, remarks = "box", False, ("box",), "ann@box", ()

    def __init__(self, *chunks: bytes, hangs: bool = False) -> None:
        self.chunks = chunks
        self.hangs = hangs

    def talk(self, program: bytes, silence: float) -> Iterator[bytes]:
        begin, end = re.findall(rb"nbfab-(?:begins|ends)-[0-9a-f]+", program)
        for chunk in self.chunks:
            yield chunk.replace(b"BEGIN", begin).replace(b"END", end)
        if self.hangs:
            raise TimeoutError

    def close(self) -> None:
        pass

    def renew(self) -> None:
        pass


def records(host: Scripted, whole: float = 60) -> list[Record]:
    """What a program on the host prints; each record is also received, in the same order."""
    received: list[Record] = []
    found = run(host, render([], []), received.append, 5, "looking", whole=whole)
    assert received == found
    return found


@pytest.mark.parametrize(
    "noise",
    [
        b"[" * 200_000,
        b'{"user": ' * 50_000,
        b"\xff\xfe\x00",
        b"[1, 2]",
        b'"text"',
        b"{",
        b"",
        b"nbfab-ends-0123456789abcdef",
        "näme".encode("latin-1"),
    ],
    ids=["deep array", "deep object", "bytes", "array", "string", "half", "empty", "foreign mark", "latin-1"],
)
def test_what_is_not_a_record_is_noise(noise: bytes) -> None:
    lines = [b'{"before": 1}', noise, b"BEGIN", noise, b'{"a": "x\ty"}', noise, b"", b"END", b'{"after": 1}', noise]
    assert records(Scripted(b"\n".join(lines))) == [{"a": "x\ty"}]


def test_records_arrive_in_pieces() -> None:
    text = b'motd\nBEGIN\n{"a": "\xe6\x97\xa5"}\n{"b": 2}\n\nEND\n'
    pieces = [text[at : at + 1] for at in range(text.index(b"{"), text.index(b"END"))]
    assert records(Scripted(b"motd\nBEGIN\n", *pieces, b"END\n")) == [{"a": "日"}, {"b": 2}]


def test_a_prompt_may_stand_before_the_first_mark() -> None:
    assert records(Scripted(b'% BEGIN\n{"a": 1}\nEND\n')) == [{"a": 1}]


@pytest.mark.parametrize(
    ("chunks", "reason", "fix"),
    [
        ([b"BEGIN\n", b'{"a": "9"}' * 110_000], "it prints a line without an end", "see what it prints at login"),
        ([(b"yes" * 100 + b"\n") * 27_000], "it prints without end: more than 8 MB", "see what it prints at login"),
        (
            [b"This account is\n currently not available.\n"],
            "its login shell did not run a program, but printed: This account is; currently not available.",
            "ssh ann@box /bin/sh -c true",
        ),
        ([], "its login shell did not run a program", "ssh ann@box /bin/sh -c true"),
        ([b"BEGIN\n", b'{"a": 1}\nKilled'], "it stopped midway while looking: Killed", "run it again"),
        ([b"BEGIN\n"], "it stopped midway while looking", "run it again"),
    ],
)
def test_a_program_that_did_not_run_whole_says_why(chunks: list[bytes], reason: str, fix: str) -> None:
    with pytest.raises(HostError, match=rf"^{re.escape(reason)}(\nif that account .*)?$") as error:
        records(Scripted(*chunks))
    assert error.value.hint == fix


def test_a_silent_host_is_given_up() -> None:
    with pytest.raises(HostError, match=r"^no output for 5 seconds while looking; its last words: Downloading$"):
        records(Scripted(b"BEGIN\nDownloading\n", hangs=True))


def test_a_host_that_never_comes_to_an_end_is_given_up() -> None:
    with pytest.raises(HostError, match=r"^not done in 0 seconds while looking; its last words: still$"):
        records(Scripted(b"BEGIN\nstill\n", b"still\n"), whole=0)


def test_the_password_does_not_reach_the_programs_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBFAB_PASSWORD", "canary horse battery")
    monkeypatch.setenv("NBFAB_PORT", "7")
    (found,) = run(
        Here(), render([], ['env | sed -n "s/^NBFAB_\\(.*\\)=.*/{\\"name\\": \\"\\1\\"}/p"\n']), _ignore, 5, "x"
    )
    assert found == {"name": "PORT"}


def test_a_program_on_this_machine_ends_with_the_task(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    program = render([], [f'echo "$$" >{pid}.new && mv {pid}.new {pid}\n', call("sleep", "60")])
    begun = time.monotonic()
    with pytest.raises(HostError, match="no output for 1 seconds"):
        run(Here(), program, _ignore, 1, "waiting")
    assert time.monotonic() - begun < 30
    assert not _runs(int(pid.read_text()))


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _ignore(record: Record) -> None:
    pass
