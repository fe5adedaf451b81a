"""The user's own certificate and its key, read from files here and tried before anything is done with them."""

import os
import shlex
import ssl
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

from nbfab.errors import UsageError
from nbfab.fix import Command, Note
from nbfab.own.given import LONGEST, Given
from nbfab.own.own import Own, own

READABLE_BY_OTHERS = 0o077


def read(certificate: str, key: str) -> Own:
    """What those files hold; without a `key`, the file of the `certificate` has that as well. Raises UsageError."""
    (certificates, mode), private = _read(certificate), None
    if key:
        private, mode = _read(key)
    given = own(certificates, private, time.time())
    if why := _refused(given):
        raise UsageError(f"{certificate} cannot be used by a server: {why}")
    if mode & READABLE_BY_OTHERS:
        name = key or certificate
        words = f"others can read the key here, in {name} ({stat.filemode(mode)})"
        given = given.with_note(Note(words, Command(f"chmod 600 {shlex.quote(name)}")))
    return given


def _read(name: str) -> tuple[Given, int]:
    """A file, read once, since it may be a pipe; and its mode, which is nothing where it is one."""
    try:
        with open(name, "rb") as file:
            seen = os.fstat(file.fileno())
            data = file.read(LONGEST + 1)
    except PermissionError:
        words = "have what renews it copy it to a file of yours, or run this there (docs/certificates.md)"
        raise UsageError(f"{name} cannot be read: its owner alone may", words) from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{name} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    return Given(name, data), seen.st_mode if stat.S_ISREG(seen.st_mode) else 0


def _refused(given: Own) -> str:
    """Why a TLS server does not take it; empty if it does."""
    try:
        with _as_file(given.reveal().encode()) as path:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(path, password="")
    except (ssl.SSLError, OSError, ValueError) as error:
        return getattr(error, "reason", None) or str(error)
    return ""


@contextmanager
def _as_file(data: bytes) -> Iterator[str]:
    """A file with that, in memory; where the system has no such files, one in a folder that no one else can enter."""
    if hasattr(os, "memfd_create"):
        with open(os.memfd_create("nbfab"), "wb", buffering=0) as file:
            file.write(data)
            yield f"/proc/self/fd/{file.fileno()}"
        return
    with tempfile.TemporaryDirectory(prefix="nbfab-") as folder:
        path = os.path.join(folder, "pem")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
        yield path
