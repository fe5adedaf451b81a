"""Questions: prompts stay off standard output, secrets off the screen, and a host's escape sequences off both."""

import io
import os
import pty
import select
import subprocess
import sys
from collections.abc import Callable
from typing import NamedTuple

import pytest

from nbfab.display.questions import answers
from nbfab.display.terminal import Terminal


class Typed(NamedTuple):
    """What a program printed on standard output, and what its terminal showed."""

    out: str
    screen: str


def typed(call: str, prompt: str, keys: bytes) -> Typed:
    """Types `keys` at a prompt of `call`, a Python expression, at a terminal, and prints its value."""
    ours, theirs = pty.openpty()
    program = f"from nbfab.display.questions import *; print(repr({call}))"
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    screen, pending = b"", keys
    while True:
        ready, _, _ = select.select([ours], [], [], 60)
        assert ready, f"no prompt, but {screen!r}"
        try:
            data = os.read(ours, 1000)
        except OSError:  # how Linux reports that the program has closed its terminal
            break
        if not data:
            break
        screen += data
        if pending and prompt.encode() in screen:
            os.write(ours, pending)
            pending = b""
    out, _ = process.communicate(timeout=60)
    os.close(ours)
    assert not pending, screen
    return Typed(out.decode(), screen.decode())


def test_an_echoed_answer_is_asked_for_on_standard_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("ann\n\n"))
    assert [answers("Name: ", echo=True) for _ in range(3)] == ["ann", "", None]
    assert capsys.readouterr() == ("", "Name: " * 3)


@pytest.mark.parametrize(
    ("echo", "keys", "answer"),
    [(False, b"sesame\n", "'sesame'"), (False, b"\x04", "None"), (True, b"sesame\n", "'sesame'")],
)
def test_a_hidden_answer_is_not_on_the_screen(echo: bool, keys: bytes, answer: str) -> None:
    out, screen = typed(f"answers('Code: ', echo={echo})", "Code: ", keys)
    assert out == f"{answer}\n"
    assert screen.startswith("Code: ")
    assert ("sesame" in screen) == echo


@pytest.mark.parametrize(
    "ask",
    [
        lambda terminal, text: terminal.answers(text, echo=True),
        lambda terminal, text: terminal.reads(text),
        lambda terminal, text: terminal.sees(text),
    ],
)
def test_text_of_a_host_cannot_control_the_terminal(
    ask: Callable[[Terminal, str], object], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("ann\n"))
    terminal = Terminal("box", lambda outcome: None, lambda task: task)
    ask(terminal, "\x1b]0;owned\x07Name: ")
    terminal.progress.end()
    out, err = capsys.readouterr()
    assert out == ""
    assert "Name: " in err
    assert "\x1b" not in err
    assert "\x07" not in err
