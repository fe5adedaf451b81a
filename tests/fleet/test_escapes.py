"""What a host says never steers a terminal, and never passes for a line of nbfab's own, on any path to a person."""

import os
import re
import select
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from machine import PASSWORD
from notebook_client import Notebook
from sshd_fleet import Fleet, fleet_of

EVIL = "\x1b]0;PWN\x07\x9b2J\u202e\u200b\nPassword: fake\nthree: nothing changed"
SHOWN = r"\x1b]0;PWN\x07\x9b2J\u202e\u200b\nPassword: fake\nthree: nothing changed"


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """Two hosts whose servers run, each with a live notebook of that name."""
    with ExitStack() as stack:
        fleet = fleet_of(["one", "two"], tmp_path, stack)
        assert fleet.run("setup", NBFAB_PASSWORD=PASSWORD).returncode == 0
        for name in fleet.hosts:
            notebook = Notebook(fleet.ports[name], fleet.profile(name), PASSWORD)
            kernel = {"name": "nbserver"}
            notebook.post("/api/sessions", {"name": "x", "path": EVIL, "type": "notebook", "kernel": kernel})
        yield fleet


def harmless(text: str) -> None:
    """Asserts that text holds that name as it is shown, and in no other form."""
    assert SHOWN in text
    for character in EVIL:
        assert character.isprintable() or character == "\n" or character not in text, repr(character)
    assert not re.search(r"^\s*(Password: fake|three: )", text, re.MULTILINE)


def on_a_terminal(fleet: Fleet, command: list[str], answers: bytes) -> str:
    """What a command writes to its terminal, byte for byte, while each question gets an answer."""
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        command,
        env=fleet.machine.env | {"TERM": "dumb", "COLUMNS": "400"},
        cwd=fleet.work,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    screen, asked = b"", 0
    while True:
        ready, _, _ = select.select([ours], [], [], 60)
        assert ready, screen
        try:
            data = os.read(ours, 100_000)
        except OSError:  # the program has ended
            break
        screen += data
        if screen.count(b"[y/N] ") > asked:
            asked += 1
            os.write(ours, answers)
    process.wait(60)
    os.close(ours)
    assert asked
    return screen.decode().replace("\r\n", "\n")


def test_the_question_of_stop_and_the_refusal(fleet: Fleet) -> None:
    harmless(_without_own_controls(on_a_terminal(fleet, fleet.command("stop"), b"n\n")))
    one = [*fleet.command("stop")[:3], "-H", "one,two", "stop"]
    harmless(_without_own_controls(on_a_terminal(fleet, one, b"n\n")))


def _without_own_controls(screen: str) -> str:
    """A screen without what clears the line of progress, which is nbfab's own."""
    return screen.replace("\r\x1b[K", "")


def test_reports_and_tables(fleet: Fleet) -> None:
    done = fleet.run("stop")
    assert done.returncode == 1
    harmless(done.stdout)
    for task in (["status"], ["stop"], ["plan", "--directory", "/tmp"]):
        single = subprocess.run(
            [*fleet.command("stop")[:3], "-H", "one", *task],
            env=fleet.machine.env | {"NBFAB_PORT": str(fleet.ports["one"])},
            cwd=fleet.work,
            capture_output=True,
            text=True,
            check=False,
        )
        harmless(single.stdout + single.stderr)


def test_the_page(fleet: Fleet) -> None:
    assert fleet.run("page").returncode == 0
    harmless((fleet.work / "fleet.html").read_text())


def test_a_document_is_exact(fleet: Fleet) -> None:
    for host in fleet.json("status").values():
        (kernel,) = host["state"]["kernels"]
        assert EVIL in kernel
