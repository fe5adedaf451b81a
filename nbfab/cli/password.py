"""The password that is given for all hosts of a run."""

import os
import sys
from collections.abc import Callable

from nbfab.errors import UsageError
from nbfab.fix import Command
from nbfab.passwords import Password


def given(task: str, from_stdin: bool, new: bool, command: Callable[..., str]) -> Password | None:
    """The password in NBFAB_PASSWORD or on standard input; None if there is none.

    Of standard input only the line end is left out. Raises UsageError for a weak one, and for one beside --new;
    `command` gives the command line of a task without it.
    """
    source = "--password-stdin" if from_stdin else "NBFAB_PASSWORD"
    if not (from_stdin or os.environ.get(source)):
        return None
    line = command(task, *(["--new"] if task == "password" else []))
    without = Command(line if from_stdin else f"env -u {source} {line}")
    if new:
        raise UsageError(f"--new makes a password, and {source} gives one", without)
    text = sys.stdin.read().removesuffix("\n").removesuffix("\r") if from_stdin else os.environ[source]
    if not text:
        raise UsageError("--password-stdin: there is no password on standard input", without)
    try:
        return Password(text)
    except UsageError as error:
        raise UsageError(f"{source}: {error}", without) from None
