"""The file that `doctor --bundle` writes, for a report of a bug."""

import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nbfab.cli.call import Call
from nbfab.errors import UsageError

if TYPE_CHECKING:
    from nbfab.outcome import Outcome


def check(call: Call) -> None:
    """Raises UsageError if the file that was asked for cannot be written, before any host is contacted."""
    folder = os.path.dirname(os.path.abspath(call.given.get("bundle") or "x"))
    if call.given.get("bundle") and not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"--bundle: {folder} is no folder that you can write to", "name a file in another folder")


def bundled(call: Call, outcomes: "Sequence[Outcome]") -> str:
    """Writes the file, if one was asked for, and returns its path. Raises UsageError."""
    given = call.given.get("bundle")
    if not given:
        return ""
    from nbfab.doctor.bundle import ANONYMOUS, HEAD, NAMED
    from nbfab.whole import write_whole

    path: str = os.path.abspath(given)
    here = f"here: Python {platform.python_version()}, {platform.system()} {platform.machine()}\n"
    parts = [HEAD + (NAMED if "bundle_names" in call.flags else ANONYMOUS), here]
    parts += [outcome.bundle or f"{outcome.verdict}: nothing is known of it\n" for outcome in outcomes]
    try:
        write_whole(Path(path), "\n".join(parts))
    except OSError as error:
        raise UsageError(f"{path} could not be written: {error.strerror}") from None
    return path


def tell(call: Call, path: str) -> None:
    """Says where the file is, and what is in it."""
    from nbfab.display.output import complain

    if path and not call.json:
        names = "with the names of hosts and users" if "bundle_names" in call.flags else "without names"
        complain(f"{path} was written, {names}: read it before you attach it")
