"""Claims: a file for each near end that runs. It is locked for as long as its process lives, however that ends."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nbfab.records import dataclass
from nbfab.tunnel import state
from nbfab.tunnel.state import Whose

VERSION = 1
LONGEST = 100_000  # bytes
RETRIES = 25  # of a lock that one who reads may have for a moment
PAUSE = 0.02  # seconds between two
FOLDER = "nbfab-"  # how the names of private folders begin


@dataclass(frozen=True)
class Running:
    """A near end that runs, as it has written of itself.

    `control` is its socket (`control.py`), `folder` the private one that is removed with it, `published` the link to
    the socket of what carries, if any. `since` is when it was started, in seconds since 1970, and `start` when its
    process was, as the kernel counts; empty if it does not say.
    """

    host: str
    profile: str
    way: str
    pid: int
    since: float
    url: str
    control: str
    folder: str
    published: str = ""
    node: str = ""
    start: str = ""
    version: int = VERSION

    @property
    def whose(self) -> Whose:
        """What it is for."""
        return Whose(self.host, self.profile, self.way)

    @property
    def lives(self) -> bool:
        """Whether its process is proven to run: another one may have its number by now."""
        return bool(self.start) and start_of(self.pid) == self.start


class Claim:
    """That this process, and no other, is the near end for a profile of a host."""

    def __init__(self, file: Path, stream: Any) -> None:
        self._file, self._stream = file, stream

    @classmethod
    def take(cls, place: str, whose: Whose) -> Claim | None:
        """None if another process has it. Raises OSError."""
        file = state.folder(place) / f"{whose.name}.json"
        for _ in range(RETRIES):
            stream = open(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b", buffering=0)  # noqa: SIM115
            if not (state.lock_now(stream.fileno()) and _is_at(stream.fileno(), file)):
                stream.close()
                time.sleep(PAUSE)
            elif stream.read(1):  # of one that was killed: `every` sees to it
                os.replace(file, file.with_name(f"{file.stem}~.json"))
                stream.close()
            else:
                return cls(file, stream)
        return None

    @classmethod
    def adopt(cls, place: str, whose: Whose, number: int) -> Claim | None:
        """The one that this process has taken as another program, by its open file. Raises OSError."""
        os.set_inheritable(number, False)
        stream = open(number, "r+b", buffering=0)  # noqa: SIM115
        file = Path(place, "open", f"{whose.name}.json")
        if _is_at(number, file):
            return cls(file, stream)
        stream.close()
        return cls.take(place, whose)

    def pass_on(self) -> int:
        """The open file, for the program that takes the place of this one."""
        os.set_inheritable(self._stream.fileno(), True)
        return int(self._stream.fileno())

    def write(self, running: Running) -> None:
        """Lets others know. Raises OSError."""
        data = json.dumps(asdict(running) | {"node": socket.gethostname(), "start": start_of(os.getpid())}).encode()
        self._stream.seek(0)
        self._stream.truncate()
        self._stream.write(data)

    def release(self) -> None:
        """Gives it up."""
        with contextlib.suppress(OSError):
            if _is_at(self._stream.fileno(), self._file):
                self._file.unlink()
        self._stream.close()


def find(place: str, whose: Whose, tries: int = RETRIES) -> Running | None:
    """The near end that runs for a profile of a host, once it has told of itself."""
    file = Path(place, "open", f"{whose.name}.json")
    for _ in range(tries):
        held, running = _read(file)
        if not held:
            return None
        if running is not None:
            return running
        time.sleep(PAUSE)  # it has only just begun
    return None


def is_held(place: str, whose: Whose) -> bool:
    """Whether a near end runs for a profile of a host."""
    return _read(Path(place, "open", f"{whose.name}.json"))[0]


def every(place: str) -> list[Running]:
    """All that run on this machine; what others have left, killed perhaps, is removed."""
    found = [_read(file, sweeps=True) for file in sorted(Path(place, "open").glob("*.json"))]
    return [running for held, running in found if held and running is not None]


def _read(file: Path, *, sweeps: bool = False) -> tuple[bool, Running | None]:
    """Whether a process has that claim, and what it says; what has none is removed if this `sweeps`."""
    try:
        stream = open(os.open(file, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW), "r+b", buffering=0)  # noqa: SIM115
    except OSError:
        return False, None
    with stream:
        running = _load(stream.read(LONGEST) or b"")
        if running is not None and running.node != socket.gethostname():
            return False, None  # of another machine with the same home folder
        if not state.lock_now(stream.fileno()):
            return True, running
        if sweeps:
            _sweep(running)
            with contextlib.suppress(OSError):
                if _is_at(stream.fileno(), file):
                    file.unlink()
        return False, None


def start_of(pid: int) -> str:
    """When a process was started, in ticks (proc(5)); empty where there is no /proc, or no such process."""
    with contextlib.suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(") ")[2].split()[19]
    return ""


def _is_at(number: int, file: Path) -> bool:
    """Whether an open file is still the one at that path."""
    with contextlib.suppress(OSError):
        return os.path.samestat(os.fstat(number), file.stat())
    return False


def _load(data: bytes) -> Running | None:
    try:
        known = json.loads(data)
    except (ValueError, RecursionError):
        return None
    kinds = {name: int | float if kind == "float" else int if kind == "int" else str for name, kind in _KINDS.items()}
    if not isinstance(known, dict) or known.get("version") != VERSION:
        return None
    if not all(isinstance(known.get(name), kind) for name, kind in kinds.items()):
        return None
    return Running(**{name: known[name] for name in kinds})


_KINDS = Running.__annotations__


def _sweep(left: Running | None) -> None:
    """Removes what a near end has left that was killed: its `ssh` processes, its folder, its link."""
    if left is None:
        return
    if left.published:
        with contextlib.suppress(OSError):
            if os.path.islink(left.published):
                os.unlink(left.published)
    if is_private(left.folder) and os.path.basename(left.folder).startswith(FOLDER):
        for control in _sockets(Path(left.folder)):
            with contextlib.suppress(OSError, subprocess.SubprocessError):
                words = ["ssh", "-F", "/dev/null", "-o", f"ControlPath={str(control).replace('%', '%%')}", "-O", "exit"]
                quiet = subprocess.DEVNULL
                subprocess.run(
                    [*words, "--", "the-host"], stdin=quiet, stdout=quiet, stderr=quiet, timeout=5, check=False
                )
        shutil.rmtree(left.folder, ignore_errors=True)


def _sockets(folder: Path) -> Iterator[Path]:
    """The sockets of ControlMasters in a private folder."""
    return folder.glob("*/**/m")


def is_private(folder: str) -> bool:
    """Whether a folder is ours, and no one else can enter it."""
    with contextlib.suppress(OSError):
        found = os.lstat(folder)
        return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077
    return False
