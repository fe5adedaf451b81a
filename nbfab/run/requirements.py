"""The requirements files that a run names, read here."""

import re
import shlex
from dataclasses import replace
from pathlib import Path
from threading import Lock

from nbfab.errors import UsageError
from nbfab.fix import Command, Fix, again
from nbfab.plan.asked import Asked, Had, text
from nbfab.requirements.requirements import Requirements
from nbfab.settings import Settings
from nbfab.wanted import Wanted

_MARK = r".{1,200}:[0-9a-f]{16}"  # as the profile's choices have it
_MOST = 160_000  # characters of the record: twice that, for now and before, fits into what a look reports of a file


class Files:
    """The files of a run: each is read once, for all hosts."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._found: dict[str, Requirements | UsageError] = {}

    def read(self, named: str) -> Requirements:
        """What a file asks for. Raises UsageError."""
        with self._lock:
            if named not in self._found:
                try:
                    self._found[named] = _read(named)
                except UsageError as error:
                    self._found[named] = error
            found = self._found[named]
        if isinstance(found, UsageError):
            raise UsageError(str(found), *found.fix)
        return found


def with_file(wanted: Wanted, files: Files) -> Wanted:
    """What is wanted, with what the file that is named asks for, and its mark in place of its path.

    Raises UsageError.
    """
    named = wanted.settings.requirements
    if not named:
        return wanted
    found = files.read(named)
    return replace(wanted, settings=replace(wanted.settings, requirements=Asked.by(found).mark), requirements=found)


def without_file(settings: Settings) -> Settings:
    """The settings, as if they named no file."""
    sources = {key: source for key, source in settings.sources.items() if key != "requirements"}
    return replace(settings, requirements="", sources=sources)


def _read(named: str) -> Requirements:
    path = Path(named).expanduser()
    if re.fullmatch(_MARK, named) and not path.exists():
        raise UsageError(f"--requirements {named}: there is no such file here", "name the file that it was made of")
    from nbfab.requirements.read import read  # and packaging with it, which takes a while

    found = read(path)
    if len(text(Had(Asked.by(found)))) > _MOST:
        raise UsageError(
            f"{found.source} is too long: with its hashes, it has more than {_MOST // 1000} kB",
            *_shorter(found.source, path),
        )
    return found


def _shorter(source: str, path: Path) -> Fix:
    """What makes a file that is without hashes."""
    from nbfab.requirements import uv_lock

    if source != uv_lock.SOURCE:
        return ("leave hashes out of it",)
    copy = path.with_name("requirements.txt")
    export = ("uv", *uv_lock.EXPORT, "--no-hashes", "--project", str(path.parent), "-o", str(copy))
    return "uv writes it without them", Command(shlex.join(export)), again(f"--requirements={copy}")
