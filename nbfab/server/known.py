"""Where the owner has logged in from before; kept over restarts."""

from __future__ import annotations

import json
import os
from collections import OrderedDict

MOST = 256
LONGEST = 64  # of a key; an IPv6 network is shorter


class Known:
    """The keys (see `peers`) that have logged in: the last `MOST`, in a file that only its owner reads."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._keys = OrderedDict.fromkeys(_read(path))

    def __contains__(self, key: str) -> bool:
        return key in self._keys

    def add(self, key: str) -> None:
        """Takes note of a key that has just logged in. Raises OSError if the file cannot be written."""
        if next(reversed(self._keys), None) == key:
            return
        self._keys[key] = None
        self._keys.move_to_end(key)
        while len(self._keys) > MOST:
            self._keys.popitem(last=False)
        self._write()

    def clear(self) -> bool:
        """Forgets all of them. Whether a restart will have forgotten them, too."""
        self._keys.clear()
        try:
            os.unlink(self._path)
        except FileNotFoundError:
            pass
        except OSError:
            return False
        return True

    def _write(self) -> None:
        """Writes the file whole and moves it over the old one."""
        new = f"{self._path}.new"
        with open(new, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            os.fchmod(file.fileno(), 0o600)  # it may be there already
            json.dump(list(self._keys), file)
        os.replace(new, self._path)


def _read(path: str) -> list[str]:
    """The keys in the file; none if there is no such file, or it is not ours."""
    try:
        with open(path) as file:
            found = json.loads(file.read(MOST * (LONGEST + 16)))
    except (OSError, ValueError, RecursionError):
        return []
    if not isinstance(found, list):
        return []
    return [key for key in found if isinstance(key, str) and len(key) <= LONGEST][-MOST:]
