"""The shells that hosts have, and what they print."""

import json
import os
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

SHELLS = (("dash",), ("bash", "--posix"), ("busybox", "sh"), ("mksh",), ("lksh",), ("posh",), ("yash", "--posix"))
NASTY = (
    "",
    "it's",
    'a "b"',
    "$HOME `id` $(id)",
    "-n",
    "a\\b\\\\c",
    "tab\there",
    "line\nline\n",
    "näme 日本",
    "%s%d",
    "!hist",
    "*",
)

each_shell = pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60)


def run(
    shell: tuple[str, ...],
    program: str,
    folder: Path | str = "/",
    *,
    status: int | None = 0,
    env: Mapping[str, str] | None = None,
) -> str:
    """What a shell prints that gets the program on standard input, as a host's does; `env` is added to its own."""
    done = subprocess.run(
        shell,
        input=program.encode(),
        capture_output=True,
        cwd=folder,
        env=os.environ | (env or {}),
        timeout=60,
        check=False,
    )
    assert status is None or done.returncode == status, (done.stdout, done.stderr)
    return done.stdout.decode("utf-8", "surrogateescape")


def records(output: str) -> list[dict[str, Any]]:
    """The records in what a program prints; each line has to be one."""
    *lines, rest = output.split("\n")
    assert not rest, "a line without an end"
    return [json.loads(line, strict=False) for line in lines]


def stub(folder: Path, name: str, text: str) -> None:
    """A program that takes the place of the real one, if `folder` is first in PATH."""
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


def spies(folder: Path, log: Path) -> str:
    """Stand-ins for all programs in PATH, which write their arguments to `log` and run the real ones; the new PATH."""
    path = os.environ["PATH"]
    folder.mkdir()
    # Their own sh may have no builtin to print with either.
    stub(folder, "[", f'PATH={shlex.quote(path)}\nprintf "%s\\n" "$0 $*" >>{log}\nexec "${{0##*/}}" "$@"')
    for name in {name for place in path.split(":") if os.path.isdir(place) for name in os.listdir(place)} - {"["}:
        (folder / name).symlink_to("[")
    return f"{folder}:{path}"
