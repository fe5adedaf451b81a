"""A terminal that a test types into and reads, as a person would."""

import re
import shlex
import subprocess
from typing import Self

from machine import Machine
from sshd import wait_until


class Terminal:
    """A shell in a terminal of its own, with the machine's environment."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._tmux = ["tmux", "-L", "terminal", "-f", "/dev/null"]
        self._run("new-session", "-d", "-s", "person", "-x", "160", "-y", "60", "exec sh")

    def _run(self, *args: str) -> str:
        done = subprocess.run(
            [*self._tmux, *args],
            env=self.machine.env | {"PS1": "$ ", "ENV": "", "TERM": "xterm-256color"},
            cwd=self.machine.work,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def type(self, text: str) -> None:
        """Types a line, and Return."""
        self._run("send-keys", "-t", "person", "-l", text)
        self._run("send-keys", "-t", "person", "Enter")

    def press(self, key: str) -> None:
        """Presses one key, such as C-c."""
        self._run("send-keys", "-t", "person", key)

    def task(self, *args: str) -> None:
        """Types a task."""
        self.type(shlex.join(self.machine.command(*args)) + "; echo status=$?")

    def resize(self, columns: int, rows: int) -> None:
        """Makes the window that it is in another size."""
        self._run("resize-window", "-t", "person", "-x", str(columns), "-y", str(rows))

    def clear(self) -> None:
        """Clears the screen, and waits until nothing is on it but a prompt."""
        self.type("clear")
        wait_until(lambda: re.fullmatch(r"(exit=0 )?[$#]", self.screen.strip()), "a clear screen")

    @property
    def screen(self) -> str:
        """All that was shown so far."""
        return self._run("capture-pane", "-p", "-J", "-S-", "-t", "person")

    @property
    def coloured(self) -> str:
        """As `screen`, with the escape sequences that make it look so."""
        return self._run("capture-pane", "-p", "-e", "-J", "-S-", "-t", "person")

    def shows(self, text: str, seconds: float = 60) -> str:
        """The screen, once it shows `text`."""
        try:
            wait_until(lambda: text in self.screen, f"{text!r} on the screen", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}:\n{self.screen}") from None
        return self.screen

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._run("kill-server")
