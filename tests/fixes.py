"""What every fix of every report has to be: commands that a shell can read, and words that hold none."""

import re
import subprocess
from collections.abc import Iterable, Mapping

_PROGRAMS = (
    "sudo|ssh|ssh-add|ssh-keygen|ls|df|ps|tmux|rm|mkdir|loginctl|apt-get|dnf|zypper|pacman|apk|brew|nbfab|inv|fab"
)
COMMAND = re.compile(rf"(?:^|[:;,] |\bor )(?:{_PROGRAMS}) [-\w/.~<>]+")
"""Finds a command in words."""


def check(fix: Iterable[Mapping[str, str]]) -> None:
    """Asserts that of the fix in a JSON document."""
    for part in fix:
        if "words" in part:
            assert not COMMAND.search(part["words"]), part
        else:
            read = subprocess.run(["sh", "-n", "-c", part["command"]], capture_output=True, text=True, check=False)
            assert read.returncode == 0, (part, read.stderr)
            assert part["on"] != "the host", part
