"""Parcel: a folder of this machine, as one tar for a host, whose last file says that it is whole."""

import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from nbfab.records import dataclass

WHOLE = "whole"
CHUNK = 1 << 18


@dataclass(frozen=True)
class Parcel:
    """A folder to be sent, under the name that it has on the host."""

    name: str
    folder: Path

    @property
    def size(self) -> int:
        """Its bytes, as they are sent."""
        return sum(file.stat().st_size for file in self.folder.iterdir())

    @property
    def room(self) -> int:
        """The bytes that it takes on the host, with all wheels installed, and their modules compiled."""
        return self.size + sum(map(_unpacked, self.folder.glob("*.whl")))

    def chunks(self) -> Iterator[bytes]:
        """The tar."""
        for file in sorted(self.folder.iterdir()):
            mode = 0o700 if file.stat().st_mode & 0o100 else 0o600
            size = file.stat().st_size
            yield _header(file.name, size, mode)
            with open(file, "rb") as stream:
                while chunk := stream.read(CHUNK):
                    yield chunk
            yield bytes(-size % tarfile.BLOCKSIZE)
        yield _header(WHOLE, 0, 0o600)
        yield bytes(2 * tarfile.BLOCKSIZE)


def _header(name: str, size: int, mode: int) -> bytes:
    about = tarfile.TarInfo(name)
    about.size, about.mode = size, mode
    return about.tobuf(tarfile.GNU_FORMAT)


def _unpacked(wheel: Path) -> int:
    with zipfile.ZipFile(wheel) as archive:
        return sum(of.file_size * (2 if of.filename.endswith(".py") else 1) for of in archive.infolist())
