"""The names that a user has given to hosts in ssh_config."""

import os
import shlex
from collections.abc import Iterator
from glob import glob
from pathlib import Path

DEEPEST = 16  # files that include one another, as for ssh itself


def aliases(config: str = "") -> list[str]:
    """The names after Host in ssh_config(5), in their order, each once: no patterns, and none of the system's own.

    `config` is the file, if it is not the user's. What cannot be read names no hosts.
    """
    return list(dict.fromkeys(_aliases(config or "~/.ssh/config", DEEPEST)))


def _aliases(file: str, depth: int) -> Iterator[str]:
    try:
        lines = Path(file).expanduser().read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        keyword, words = _words(line)
        if keyword == "host":
            yield from (word for word in words if not set(word) & set("*?!%"))
        elif keyword == "include" and depth:
            for word in words:
                for found in sorted(glob(os.path.join(os.path.expanduser("~/.ssh"), os.path.expanduser(word)))):
                    yield from _aliases(found, depth - 1)


def _words(line: str) -> tuple[str, list[str]]:
    """The keyword of a line in lower case, and its arguments, after blanks or an equals sign."""
    line = line.strip()
    end = next((at for at, letter in enumerate(line) if not letter.isalpha()), len(line))
    try:
        return line[:end].lower(), shlex.split(line[end:].lstrip().removeprefix("="), comments=True)
    except ValueError:  # a quote that does not end
        return "", []
