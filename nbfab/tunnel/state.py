"""State: the folder for what outlives a near end, and for what others have to know of one that runs.

`open.json` remembers the ports here (`ports.py`). `open/` has a file for each near end while it runs (`claim.py`), the
log of those in the background, and links to the sockets of what carries. All of it is for its owner alone.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from nbfab.records import dataclass

LOCKED = 5.0  # seconds to wait for another process that writes; each takes milliseconds


@dataclass(frozen=True)
class Whose:
    """A profile of a host. `way` tells hosts apart that have the same name here, in two inventories, say."""

    host: str
    profile: str
    way: str = ""

    @property
    def name(self) -> str:
        """Of its files: no two on this machine have the same, nor on others that share the home folder."""
        whole = json.dumps([socket.gethostname(), self.host, self.profile, self.way])
        known = re.sub(r"[^A-Za-z0-9._@-]", "_", f"{self.host}-{self.profile}").lstrip(".-")[:80]
        return f"{known}-{hashlib.sha256(whole.encode(errors='surrogateescape')).hexdigest()[:12]}"


def folder(state: str) -> Path:
    """The folder for near ends that run, made if need be. Raises OSError."""
    place = Path(state, "open")
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    for made in (place.parent, place):
        if made.stat().st_mode & 0o077:
            made.chmod(0o700)
    return place


@contextlib.contextmanager
def locked(file: Path) -> Iterator[None]:
    """Other processes that would change a file wait; but not for one that hangs. Raises OSError."""
    with open(os.open(file.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "rb") as lock:
        end = time.monotonic() + LOCKED
        while not lock_now(lock.fileno()) and time.monotonic() < end:
            time.sleep(0.02)
        yield


def lock_now(number: int) -> bool:
    """Locks an open file, unless another process has done so. A file system without locks has no such process."""
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
