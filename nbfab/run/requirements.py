"""The requirements file that a run names, read here."""

import re
import shlex
from dataclasses import replace
from pathlib import Path

from nbfab.errors import UsageError
from nbfab.fix import Command, Fix, again
from nbfab.plan.asked import Asked, Had, text
from nbfab.requirements import read as reading
from nbfab.requirements import uv_lock
from nbfab.requirements.requirements import Requirements
from nbfab.settings import Settings

_MARK = r".{1,200}:[0-9a-f]{16}"  # as the profile's choices have it
_MOST = 160_000  # characters of the record: twice that, for now and before, fits into what a look reports of a file


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
    ask = Asked(found.source, found.lines, found.constraints)
    if len(text(Had(ask))) > _MOST:
        raise UsageError(
            f"{found.source} is too long: with its hashes, it has more than {_MOST // 1000} kB",
            *_shorter(found.source, path),
        )
    return replace(settings, requirements=ask.mark), found


def _shorter(source: str, path: Path) -> Fix:
    """What makes a file that is without hashes."""
    if source != uv_lock.SOURCE:
        return ("leave hashes out of it",)
    copy = path.with_name("requirements.txt")
    export = ("uv", *uv_lock.EXPORT, "--no-hashes", "--project", str(path.parent), "-o", str(copy))
    return "uv writes it without them", Command(shlex.join(export)), again(f"--requirements={copy}")
