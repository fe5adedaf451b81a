"""The roots that nbfab has put into trust stores: copies, to take them out by once their authority is gone."""

import contextlib
from pathlib import Path

from cryptography import x509

from nbfab.settings import state_home
from nbfab.trust.root import Root
from nbfab.whole import write_whole


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
    write_public(folder() / f"{root.short}.pem", root.pem)


def forget(root: Root) -> None:
    """Drops the copy of a root that is in no store any more. Raises OSError."""
    (folder() / f"{root.short}.pem").unlink(missing_ok=True)


def write_public(file: Path, text: str) -> None:
    """Writes a file that all may read, with the folders it is in. Raises OSError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, text, mode=0o644)
