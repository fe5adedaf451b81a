"""A home folder: filled, and compared with itself."""

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


def times(home: Path) -> Mapping[str, int]:
    """When each file in a home folder was changed last, in nanoseconds."""
    return {str(path.relative_to(home)): path.lstat().st_mtime_ns for path in home.rglob("*") if not path.is_dir()}


def plant(folder: Path, *paths: str) -> None:
    """Makes files, and the folders that they are in; a path that ends in a slash is a folder."""
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        if path.endswith("/"):
            (folder / path).mkdir()
        else:
            (folder / path).write_text(path)
