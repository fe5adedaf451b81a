"""The password's hash, as the file beside the settings has it now."""

from __future__ import annotations

import json
import os


class Hashed:
    """The hash in a .json, at `section.trait`; read again whenever the file is another."""

    def __init__(self, path: str, section: str, trait: str) -> None:
        self._path, self._section, self._trait = path, section, trait
        self._stamp: tuple[int, ...] | None = None
        self._value = ""

    def read(self) -> str:
        """The hash; empty, which no password matches, if the file is missing or broken."""
        seen = stamp(self._path)
        if seen is None or seen != self._stamp:
            self._stamp, self._value = seen, self._load()
        return self._value

    def _load(self) -> str:
        try:
            with open(self._path, encoding="utf-8") as file:
                value = json.load(file)[self._section][self._trait]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return ""
        return value if isinstance(value, str) else ""


def stamp(path: str) -> tuple[int, ...] | None:
    """What a file is known by: another one has another; None if there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
