"""State: small files of what earlier runs found, which several runs may change at the same time."""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nbfab.settings import state_home
from nbfab.whole import write_whole


def state_file(inventory: Path, kind: str = "") -> Path:
    """The file of that kind for an inventory, or for another file of the user's."""
    name = hashlib.sha256(str(inventory.resolve()).encode()).hexdigest()[:16]
    return Path(state_home()) / "nbfab" / f"{name}{kind}.json"


def read(file: Path) -> dict[str, Any]:
    """What a file holds; empty if it is not there or makes no sense."""
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return known if isinstance(known, dict) else {}


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Other runs of this user that would change the file at `path` wait. Without a place for a lock, they do not."""
    lock = state_file(path, ".file").with_suffix(".lock")
    try:
        lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        number = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        yield
        return
    with open(number, "rb"):
        fcntl.flock(number, fcntl.LOCK_EX)
        yield


@contextmanager
def changed(file: Path) -> Iterator[dict[str, Any]]:
    """What a file holds, to be changed inside, while other runs wait. Raises OSError."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(os.open(file.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = read(file)
        yield known
        write_whole(file, json.dumps(known))
