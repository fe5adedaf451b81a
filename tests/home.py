"""A home folder, compared with itself."""

import stat
from collections.abc import Mapping
from pathlib import Path

Snapshot = Mapping[str, tuple[str, int, int, bytes | str]]


def snapshot(home: Path) -> Snapshot:
    """Everything in a home folder and itself: mode, owner and group, and what is in a file or behind a link."""
    found = {}
    for path in (home, *home.rglob("*")):
        about = path.lstat()
        inside: bytes | str = b""
        if stat.S_ISREG(about.st_mode):
            inside = path.read_bytes()
        elif stat.S_ISLNK(about.st_mode):
            inside = str(path.readlink())
        found[str(path.relative_to(home))] = (stat.filemode(about.st_mode), about.st_uid, about.st_gid, inside)
    return found
