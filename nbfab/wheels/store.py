"""The store: folders of wheels, each by a digest of what is in it, kept on this machine for other hosts and runs."""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nbfab.errors import HostError

MOST = 4_000_000_000  # bytes
SUMS = "SHA256SUMS"  # of the other files in a folder, as sha256sum(1) prints them


def place() -> Path:
    """Where they are: in $XDG_CACHE_HOME or ~/.cache."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    return Path(given if os.path.isabs(given) else Path.home() / ".cache") / "nbfab/wheels"


@contextmanager
def kept(name: str, make: Callable[[Path], None]) -> Iterator[Path]:
    """The folder of that name, which is not removed meanwhile. If it is missing or damaged, one run has `make` fill it.

    It is there whole, or not at all. Raises HostError, and what `make` raises.
    """
    top = place()
    try:
        top.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(top / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise HostError(f"{top} cannot be written to here: {error.strerror}", "free it") from None
    try:
        folder = top / name
        fcntl.flock(lock, fcntl.LOCK_SH)
        whole = _is_whole(folder)
        while not (whole and folder.is_dir()):
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not _is_whole(folder):
                _fill(folder, make)
                _remove_oldest(top, name)
            whole = True
            fcntl.flock(lock, fcntl.LOCK_SH)
        os.utime(folder)
        yield folder
    finally:
        os.close(lock)


def _fill(folder: Path, make: Callable[[Path], None]) -> None:
    for half in folder.parent.glob(f"{folder.name}.new.*"):  # of a run that was ended: no other has the lock
        shutil.rmtree(half, ignore_errors=True)
    new = None
    try:
        new = Path(tempfile.mkdtemp(prefix=f"{folder.name}.new.", dir=folder.parent))
        make(new)
        _sum_up(new)
        shutil.rmtree(folder, ignore_errors=True)  # a damaged one
        os.rename(new, folder)
    except OSError as error:
        raise HostError(f"{folder.parent} cannot be written to here: {error.strerror}", "make room there") from None
    finally:
        if new:
            shutil.rmtree(new, ignore_errors=True)


def _sum_up(folder: Path) -> None:
    lines = [f"{_digest(file)}  {file.name}\n" for file in sorted(folder.iterdir())]
    (folder / SUMS).write_text("".join(lines))


def _is_whole(folder: Path) -> bool:
    """Whether its files are as they were made: a loss of power, or a full disk, may have left less of them."""
    try:
        lines = [line.partition("  ") for line in (folder / SUMS).read_text().splitlines()]
        files = {file.name for file in folder.iterdir()} - {SUMS}  # of the sums, less may be left as well
        return files == {name for *_, name in lines} and all(_digest(folder / name) == of for of, _, name in lines)
    except (OSError, ValueError):
        return False


def _digest(file: Path) -> str:
    with open(file, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _remove_oldest(top: Path, but: str) -> None:
    """Keeps what was used last, up to MOST; what another run is using stays."""
    folders = []
    for entry in os.scandir(top):
        with suppress(OSError):  # another run may be removing it
            if entry.is_dir() and ".new." not in entry.name:
                size = sum(file.stat().st_size for file in Path(entry.path).iterdir())
                folders.append((entry.stat().st_mtime, Path(entry.path), size))
    rest = MOST
    for _, folder, size in sorted(folders, reverse=True):
        rest -= size
        if rest < 0 and folder.name != but:
            with suppress(OSError):
                _remove(folder)


def _remove(folder: Path) -> None:
    file = folder.with_name(f"{folder.name}.lock")
    with open(file, "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        gone = folder.with_name(f"{folder.name}.new.gone")
        os.rename(folder, gone)
        shutil.rmtree(gone)
