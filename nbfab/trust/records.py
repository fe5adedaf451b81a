"""The roots that nbfab has put into trust stores: copies, to take them out by once their authority is gone."""

import contextlib
import os
import tempfile
from pathlib import Path

from cryptography import x509

from nbfab.settings import state_home
from nbfab.trust.root import Root


def folder() -> Path:
    """The folder of the copies."""
    return Path(state_home(), "nbfab", "trust")


def recorded() -> tuple[Root, ...]:
    """The roots that nbfab has put into stores of this machine."""
    found = []
    for file in sorted(folder().glob("*.pem")):
        with contextlib.suppress(OSError, ValueError):  # a file of someone else's is none of them
            found.append(Root(x509.load_pem_x509_certificate(file.read_bytes()), file))
    return tuple(found)


def record(root: Root) -> None:
    """Keeps a copy of a root. Raises OSError."""
    write_whole(folder() / f"{root.short}.pem", root.pem)


def forget(root: Root) -> None:
    """Drops the copy of a root that is in no store any more. Raises OSError."""
    (folder() / f"{root.short}.pem").unlink(missing_ok=True)


def write_whole(file: Path, text: str, mode: int = 0o644) -> None:
    """Writes a file that all may read, beside it and then over it, with the folders it is in. Raises OSError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    number, new = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with open(number, "w", encoding="utf-8") as stream:
            stream.write(text)
            os.fchmod(number, mode)
        os.replace(new, file)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(new)
        raise
