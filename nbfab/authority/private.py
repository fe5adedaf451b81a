"""Files that only their owner may read, and how to make them so."""

import os
import shlex
import stat
from pathlib import Path

from nbfab.errors import Refused
from nbfab.fix import Command


def check(*paths: Path) -> None:
    """Raises Refused for a file or folder that others could read or change, with the command that ends that."""
    for path in paths:
        about = path.stat()
        if about.st_uid != os.getuid():
            place = shlex.quote(str(path))
            raise Refused(f"{path} belongs to another user (uid {about.st_uid})", Command(f"ls -ld {place}"))
        if about.st_mode & 0o077:
            kind, mode = ("folder", "700") if stat.S_ISDIR(about.st_mode) else ("file", "600")
            raise Refused(
                f"others could read or change {path}, a {kind} of mode {stat.S_IMODE(about.st_mode):o}; it is not used",
                Command(f"chmod {mode} {shlex.quote(str(path))}"),
            )


def write(path: Path, data: bytes) -> None:
    """Writes a new file that its owner alone can read, from its first byte on. Raises OSError."""
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(number, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(number)
