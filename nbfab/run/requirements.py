"""The requirements file that a run names, read here."""

import re
from dataclasses import replace
from pathlib import Path

from nbfab.errors import UsageError
from nbfab.plan.asked import Asked
from nbfab.requirements import read as reading
from nbfab.requirements.requirements import Requirements
from nbfab.settings import Settings

_MARK = r".{1,200}:[0-9a-f]{16}"  # as the profile's choices have it
_MOST = 40_000  # characters: twice that, for now and before, fits into what a look reports of a file


def read(settings: Settings) -> tuple[Settings, Requirements | None]:
    """The settings, with the file's mark in the place of its path, and what it asks for; None if none is named.

    Raises UsageError.
    """
    named = settings.requirements
    if not named:
        return settings, None
    path = Path(named).expanduser()
    if re.fullmatch(_MARK, named) and not path.exists():
        raise UsageError(f"--requirements {named}: there is no such file here", "name the file that it was made of")
    found = reading.read(path)
    if sum(map(len, (*found.lines, *found.constraints))) > _MOST:
        raise UsageError(f"{found.source} is too long: more than {_MOST // 1000} kB", "leave hashes out of it")
    return replace(settings, requirements=Asked(found.source, found.lines, found.constraints).mark), found
