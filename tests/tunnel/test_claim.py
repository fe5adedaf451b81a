"""Claims: one near end for a profile of a host, however the one before it has ended."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from machine import ROOT
from sshd import wait_until

from nbfab.tunnel import claim
from nbfab.tunnel.claim import Claim, Running
from nbfab.tunnel.state import Whose

BOX = Whose("box", "nbserver")
_HOLD = """
import sys, time
sys.path.insert(0, sys.argv[1])
from nbfab.tunnel.claim import Claim, Running
from nbfab.tunnel.state import Whose
held = Claim.take(sys.argv[2], Whose("box", "nbserver"))
held.write(Running("box", "nbserver", "", 1, time.time(), "https://localhost:1/", "/c", sys.argv[3], sys.argv[4]))
print("held", flush=True)
time.sleep(60)
"""


def running(folder: str = "/f") -> Running:
    return Running("box", "nbserver", "", os.getpid(), time.time(), "https://localhost:1/", "/c", folder)


@pytest.fixture
def private() -> Iterator[Path]:
    """A private folder, as a near end has one."""
    made = Path(tempfile.mkdtemp(prefix=claim.FOLDER))
    yield made
    subprocess.run(["rm", "-rf", made], check=True)


def test_there_is_one_at_a_time(tmp_path: Path) -> None:
    first = Claim.take(str(tmp_path), BOX)
    assert first
    assert Claim.take(str(tmp_path), BOX) is None
    assert claim.find(str(tmp_path), BOX) is None, "it has not told of itself yet"
    first.write(running())
    found = claim.find(str(tmp_path), BOX)
    assert found
    assert (found.whose, found.lives) == (BOX, True)
    assert claim.every(str(tmp_path)) == [found]
    assert Claim.take(str(tmp_path), Whose("box", "other"))
    first.release()
    assert claim.find(str(tmp_path), BOX) is None
    assert Claim.take(str(tmp_path), BOX)


def test_what_one_that_was_killed_has_left_is_removed(tmp_path: Path, private: Path) -> None:
    link = tmp_path / "ssh-1"
    link.symlink_to(private / "0/1/m")
    words = [sys.executable, "-ISc", _HOLD, str(ROOT), str(tmp_path), str(private), str(link)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"held\n"
        assert len(claim.every(str(tmp_path))) == 1
        process.send_signal(signal.SIGKILL)
    taken = Claim.take(str(tmp_path), BOX)
    assert taken
    assert claim.find(str(tmp_path), BOX) is None
    assert claim.every(str(tmp_path)) == []
    assert not private.exists()
    assert not link.is_symlink()
    taken.write(running())
    assert claim.find(str(tmp_path), BOX)


@pytest.mark.parametrize("mode", [0o755, 0o700])
def test_no_folder_is_removed_that_is_not_a_near_end_s(tmp_path: Path, mode: int) -> None:
    others = tmp_path / ("nbfab-open" if mode == 0o755 else "other")
    others.mkdir(mode)
    others.chmod(mode)
    left = Claim.take(str(tmp_path), BOX)
    assert left
    left.write(running(folder=str(others)))
    left._stream.close()
    assert claim.every(str(tmp_path)) == []
    assert others.exists()


def test_one_of_another_machine_with_the_same_home_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as there:
        there.setattr(socket, "gethostname", lambda: "elsewhere")
        theirs = Claim.take(str(tmp_path), BOX)
        assert theirs
        theirs.write(running())
        theirs._stream.close()
    assert claim.every(str(tmp_path)) == []
    assert Claim.take(str(tmp_path), BOX)
    assert len(list((tmp_path / "open").glob("*.json"))) == 2


@given(
    st.binary(max_size=200)
    | st.dictionaries(st.text(max_size=9), st.integers()).map(lambda it: json.dumps(it).encode())
)
def test_a_record_may_hold_anything(data: bytes) -> None:
    assert claim._load(data) is None


def test_one_that_makes_no_sense_holds_no_one_up(tmp_path: Path) -> None:
    claim.state.folder(str(tmp_path))
    (tmp_path / "open" / f"{BOX.name}.json").write_text("[")
    assert Claim.take(str(tmp_path), BOX)


def test_a_claim_goes_on_in_the_next_program(tmp_path: Path) -> None:
    taken = Claim.take(str(tmp_path), BOX)
    assert taken
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from nbfab.tunnel.claim import Claim\nfrom nbfab.tunnel.state import Whose\n"
        "held = Claim.adopt(sys.argv[2], Whose('box', 'nbserver'), int(sys.argv[3]))\n"
        "print('held', flush=True); sys.stdin.read(); held.release()\n"
    )
    number = taken.pass_on()
    words = [sys.executable, "-ISc", code, str(ROOT), str(tmp_path), str(number)]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, pass_fds=[number]) as process:
        assert process.stdout
        assert process.stdout.readline() == b"held\n"
        os.close(number)
        assert Claim.take(str(tmp_path), BOX) is None
    wait_until(lambda: Claim.take(str(tmp_path), BOX), "the claim to be free")


def test_names_of_files_are_apart_and_plain() -> None:
    hosts = ["box", "../box", "b/ox", "b\nox", "ann@box:22", "[::1]:22", ".box", "b" * 300, "\udc80", "böx"]
    names = [Whose(host, "nbserver").name for host in hosts] + [Whose("box", "nbserver", "way").name]
    assert len(set(names)) == len(names)
    for name in names:
        assert name.isascii()
        assert len(name) < 100
        assert not set(name) & set("/\n ")
        assert not name.startswith(".")
