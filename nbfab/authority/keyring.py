"""Keyring: the keys of authorities, each unlocked once in a run, however many hosts need it."""

import shlex
import threading
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from nbfab.authority import private, store
from nbfab.authority.authority import Authority
from nbfab.authority.signer import Signer
from nbfab.errors import Refused, UsageError
from nbfab.fix import Command, Fix, again, task

TRIES = 3
_LONGEST = 4096  # bytes of a file with a passphrase

Asks = Callable[[str], str | None]
"""A question that is answered by a passphrase, typed unseen; None if no one is there to type it."""


class Locked(Exception):
    """A key that this passphrase, or none, does not unlock."""


class Keyring:
    """Unlocks keys, by the passphrase in `file`, or one that is typed. Safe for threads."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._known: dict[Path, Signer | Refused] = {}

    def signer(self, authority: Authority, asks: Asks) -> Signer:
        """The authority with its key. Raises Refused, for each host if it was so for the first; UsageError."""
        with self._lock:
            known = self._known.get(authority.folder)
            if known is None:
                try:
                    known = self._unlock(authority, asks)
                except Refused as error:
                    known = error
                self._known[authority.folder] = known
        if isinstance(known, Refused):
            raise Refused(str(known), *known.fix)
        return known

    def _unlock(self, authority: Authority, asks: Asks) -> Signer:
        try:
            return signer(authority)
        except Locked:
            pass
        if self._file:
            try:
                return signer(authority, passphrase_in(self._file))
            except Locked:
                raise Refused(f"the passphrase in {self._file} is not that of {authority.name}") from None
        for number in range(TRIES):
            typed = asks(f"{'That is not it. ' if number else ''}Passphrase of {authority.name}: ")
            if typed is None:
                raise Refused(
                    f"the key of {authority.name} has a passphrase, and no one is here to type it",
                    "from cron, name a file that holds it, and that only you can read, by --passphrase-file",
                )
            try:
                return signer(authority, typed)
            except Locked:
                continue
        _, *instead = _instead(authority, authority.folder / store.KEY)
        lost = "if it is forgotten, take the key away and make another authority"
        raise Refused(f"the key of {authority.name} stays locked: that was not its passphrase", again(), lost, *instead)


def signer(authority: Authority, passphrase: str = "") -> Signer:
    """The authority with its key. Raises Locked, and Refused if the key is lost, broken, or readable by others."""
    file = authority.folder / store.KEY
    try:
        private.check(store.folder(), authority.folder, file)
        data = file.read_bytes()
    except OSError as error:
        raise Refused(
            f"the key of {authority.name} cannot be read: {file}: {error.strerror}", *another(authority)
        ) from None
    try:
        key = load_pem_private_key(data, passphrase.encode() if passphrase else None)
    except TypeError:  # it has a passphrase, and none was given; or the other way round
        if passphrase:
            return signer(authority)
        raise Locked from None
    except (ValueError, UnsupportedAlgorithm) as error:
        if passphrase and b"ENCRYPTED" in data:
            raise Locked from None
        del error  # which could quote the key
        raise Refused(f"the key of {authority.name} is broken: {file}", *_instead(authority, file)) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != authority.root.public_key():
        raise Refused(f"{file} is not the key of {authority.name}", *_instead(authority, file))
    return Signer(authority, key)


def another(authority: Authority) -> Fix:
    """The fix for one that can sign no more: another, for the same names."""
    return ("put back what is missing, or make another authority", task("ca", "--new", *allowing(authority)))


def _instead(authority: Authority, file: Path) -> Fix:
    """The same for one whose key is none: while that file is there, it is the one to sign."""
    _, new = another(authority)
    away = Command(f"mv {shlex.quote(str(file))} {shlex.quote(f'{file}.broken')}")
    return ("put back the right one, or take it away and make another authority", away, new)


def allowing(authority: Authority) -> tuple[str, ...]:
    """The options that allow another authority the same."""
    return tuple(f"--allow={of}" for of in authority.permitted)


def passphrase_in(file: Path) -> str:
    """The passphrase in a file, without the line end. Raises UsageError, and Refused if others could read it."""
    try:
        private.check(file)
        with file.open("rb") as stream:
            text = stream.read(_LONGEST + 1).decode()
    except OSError as error:
        raise UsageError(f"--passphrase-file {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"--passphrase-file {file}: it is not text") from None
    text = text.removesuffix("\n").removesuffix("\r")
    if not text or "\n" in text or len(text) > _LONGEST:
        raise UsageError(f"--passphrase-file {file}: it has to hold one line, the passphrase")
    return text
