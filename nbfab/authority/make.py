"""Makes an authority: its key, and the root that says what it may sign."""

import fcntl
import os
import pwd
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from nbfab.authority import private, store
from nbfab.authority.authority import Authority
from nbfab.authority.constraints import ALWAYS, Constraint, narrowed

DAYS = 3650
_LONGEST = 64  # characters of a common name (RFC 5280, ub-common-name)


@contextmanager
def alone() -> Iterator[None]:
    """Other runs that would make one wait. Raises OSError, and Refused if others could read the folder."""
    folder = store.folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    private.check(folder)
    with open(os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def make(permitted: Sequence[Constraint], now: float, passphrase: str = "") -> Authority:
    """A new authority in a folder of its own, with a key and a subject that no other has; it may sign `permitted`.

    The folder appears whole. Raises OSError.
    """
    mark = secrets.token_hex(2)
    day = datetime.fromtimestamp(now, UTC)
    key = ec.generate_private_key(ec.SECP256R1())
    root = _root(key, _name(f", {day:%Y-%m-%d} {mark}"), narrowed(permitted), day)
    lock: KeySerializationEncryption = NoEncryption()
    if passphrase:
        lock = BestAvailableEncryption(passphrase.encode())
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock)
    place = store.folder() / f"{day:%Y-%m-%d}-{mark}"
    new = place.with_name(f".{place.name}")
    new.mkdir(mode=0o700)
    try:
        private.write(new / store.KEY, secret)
        private.write(new / store.ROOT, root.public_bytes(Encoding.PEM))
        new.rename(place)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise
    return Authority(place, root)


def _name(tail: str) -> str:
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = str(os.getuid())
    head = "nbfab authority of "
    return head + user[: _LONGEST - len(head) - len(tail)] + tail


def _root(
    key: ec.EllipticCurvePrivateKey, name: str, permitted: Sequence[Constraint], day: datetime
) -> x509.Certificate:
    """A root with the extensions that strict clients want, constrained in both DNS names and addresses.

    Without a constraint of one of these kinds, all of that kind would be permitted.
    """
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    every = [x509.DNSName(of) if isinstance(of, str) else x509.IPAddress(of) for of in (*permitted, *ALWAYS)]
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(day - timedelta(days=1))
        .not_valid_after(day + timedelta(days=DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        # For no mail and no programs, which names do not constrain.
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.NameConstraints(every, None), critical=True)
        .sign(key, hashes.SHA256())
    )
