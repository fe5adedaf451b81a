"""A client's key and certificate in a .p12, which browsers and systems import: made here, and written for one user."""

import os
import tempfile
from contextlib import suppress
from dataclasses import field
from pathlib import Path

from nbfab.errors import Refused, UsageError
from nbfab.keys import Key
from nbfab.passwords import generate
from nbfab.plan import bundle
from nbfab.records import dataclass


@dataclass(frozen=True)
class P12:
    """A file with a client's key, under a password that is shown once, and the certificate (PEM) for the hosts.

    `hosts` are those that admit the client, or may.
    """

    name: str
    path: Path
    certificate: str
    password: str = field(repr=False)
    hosts: set[str] = field(default_factory=set)

    def remove(self) -> None:
        """Removes the file, which no host admits."""
        with suppress(OSError):
            self.path.unlink()


def make(name: str, path: Path, by: str, days: int, now: float, *, legacy: bool) -> P12:
    """A new key and its certificate, written to a new file, 0600. Raises Refused if there is one, UsageError."""
    key, password = Key.new(), generate().reveal()
    text = bundle.make(name, "client", by, days, now, key)
    secret = key.pkcs12(name, bundle.read(text)[0].certificate, password, legacy=legacy)
    try:
        _write(path, secret)
    except FileExistsError:
        raise Refused(f"{path} is there already, and stays as it is", "name another by --output") from None
    except OSError as error:
        raise UsageError(f"{path} could not be written: {error.strerror}", "name another by --output") from None
    return P12(name, path, bundle.shown(text), password)


def _write(path: Path, content: bytes) -> None:
    """Writes a file whole, and never over another. Raises OSError."""
    if os.path.lexists(path):
        raise FileExistsError
    number, new = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(number, "wb") as file:
            file.write(content)
        os.link(new, path)
    finally:
        os.unlink(new)
