"""Commands of a fix that belong in the folder of the file that was named."""

import shlex
from dataclasses import replace
from pathlib import Path

from nbfab.fix import Command, Fix, Task

_OPTION = "--requirements="


def in_folder(fix: Fix, folder: Path) -> Fix:
    """A fix that can be typed where the user is: its commands for this machine in that folder, and files from there."""
    return fix if folder == Path() else tuple(_moved(part, folder) for part in fix)


def _moved(part: str | Command | Task, folder: Path) -> str | Command | Task:
    if isinstance(part, Command) and not part.on:
        return Command(f"(cd {shlex.quote(str(folder))} && {part.line})")
    if isinstance(part, Task):
        options = (
            f"{_OPTION}{folder / each.removeprefix(_OPTION)}" if each.startswith(_OPTION) else each
            for each in part.options
        )
        return replace(part, options=tuple(options))
    return part
