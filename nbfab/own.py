"""A certificate of the user's own with its chain and its key, checked before anything is done with them."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

from nbfab.errors import UsageError
from nbfab.fix import Command, again

SOON = 21  # days left that are worth a note: ACME clients renew at 30
MOST = 20  # certificates in a chain
LONGEST = 60_000  # bytes of a file; a chain of four has 8,000
_ODD = (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion, x509.DuplicateExtension)
_ODD_NAMES = (*_ODD, x509.UnsupportedGeneralNameType)


@dataclass(frozen=True)
class Given:
    """A file that was given: its `name` as typed, and what is in it."""

    name: str
    data: bytes = field(repr=False)


class Own:
    """A certificate first in its `chain`, and the key; `notes` are what people should know. `repr` shows no key."""

    __slots__ = ("_key", "chain", "notes")

    def __init__(self, chain: tuple[x509.Certificate, ...], key: PrivateKeyTypes, notes: tuple[str, ...] = ()) -> None:
        self.chain, self._key, self.notes = chain, key, notes

    def __repr__(self) -> str:
        return f"Own({self.leaf.subject.rfc4514_string()})"

    def __reduce__(self) -> str:
        raise TypeError("a key is not for pickle, copy or any other place")

    @property
    def leaf(self) -> x509.Certificate:
        """The host's certificate."""
        return self.chain[0]

    def with_note(self, note: str) -> Own:
        """This with one more note."""
        return Own(self.chain, self._key, (*self.notes, note))

    def reveal(self) -> str:
        """All of it in one PEM, the key first: the only thing that shows the key."""
        key = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return (key + b"".join(each.public_bytes(Encoding.PEM) for each in self.chain)).decode()


def own(certificates: Given, key: Given | None, now: float) -> Own:
    """What those files hold; without a `key` file, `certificates` has the key as well. `now` is in epoch seconds.

    Raises UsageError if a server could not use it, or a client would refuse it.
    """
    chain = _chain(certificates)
    private = _private_key(key or certificates, certificates)
    chain = _in_order(certificates, key or certificates, chain, _spki(private.public_key()))
    leaf = chain[0]
    for number, each in enumerate(chain, 1):
        _check_time(certificates, each, number, now)
        _check_signature(certificates, each)
    _check_kind(certificates, leaf.public_key())
    _check_use(certificates, leaf)
    return Own(chain, private, tuple(_notes(certificates, chain, now)))


def _blocks(text: str) -> Iterator[tuple[str, str]]:
    """The parts of a PEM, each with its label (RFC 7468)."""
    label, lines = "", list[str]()
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("-----BEGIN ") and stripped.endswith("-----"):
            label, lines = stripped[11:-5], []
        if label:
            lines.append(stripped)
        if label and stripped == f"-----END {label}-----":
            yield label, "\n".join(lines) + "\n"
            label = ""


def _text(file: Given) -> str:
    return file.data.decode("ascii", "replace")


def _chain(file: Given) -> tuple[x509.Certificate, ...]:
    """The certificates in a file."""
    if len(file.data) > LONGEST:
        raise UsageError(f"{file.name} is longer than any certificate with its chain")
    blocks = [block for label, block in _blocks(_text(file)) if label in ("CERTIFICATE", "X509 CERTIFICATE")]
    if not blocks and file.data[:1] == b"\x30":
        name = shlex.quote(file.name)
        raise UsageError(
            f"{file.name} is binary, and PEM is wanted, which is text",
            "of a .p12 or .pfx file, this makes one, with the key",
            Command(f"(umask 077; openssl pkcs12 -in {name} -nodes -out {name}.pem)"),
        )
    if not blocks:
        raise UsageError(f"{file.name} holds no certificate (PEM)")
    if len(blocks) > MOST:
        raise UsageError(f"{file.name} holds {len(blocks)} certificates, which is no chain")
    return tuple(_certificate(file, block, number) for number, block in enumerate(blocks, 1))


def _certificate(file: Given, block: str, number: int) -> x509.Certificate:
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as of a serial number below zero; it would be shown to the user
            found = x509.load_pem_x509_certificate(block.encode())
            # Read lazily, and each may raise.
            _ = found.extensions, found.subject.rfc4514_string(), found.issuer.rfc4514_string()
            _ = found.not_valid_before_utc, found.not_valid_after_utc
            _spki(found.public_key())
    except _ODD_NAMES:
        raise UsageError(f"{file.name}: certificate {number} cannot be read") from None
    return found


def _private_key(file: Given, certificates: Given) -> PrivateKeyTypes:
    """The key in a file. No error quotes anything of that."""
    if len(file.data) > LONGEST:
        raise UsageError(f"{file.name} is longer than any key")
    blocks = [block for label, block in _blocks(_text(file)) if label.endswith("PRIVATE KEY")]
    if not blocks:
        more = () if file is not certificates else ("name the file with the key", again("--key=KEY.pem"))
        raise UsageError(f"{file.name} holds no private key (PEM)", *more)
    if len(blocks) > 1:
        raise UsageError(f"{file.name} holds {len(blocks)} private keys, and one is wanted")
    encrypted = "ENCRYPTED" in blocks[0]
    try:
        return load_pem_private_key(blocks[0].encode(), None)
    except TypeError:
        encrypted = True
    except (ValueError, UnsupportedAlgorithm):
        pass
    if not encrypted:
        raise UsageError(f"the key in {file.name} cannot be read")
    name = shlex.quote(file.name)
    plain = shlex.quote(f"{file.name}.plain")
    raise UsageError(
        f"the key in {file.name} has a passphrase, which no one could type when the server starts",
        "this asks for it, and writes a copy without; then name that",
        Command(f"(umask 077; openssl pkey -in {name} -out {plain})"),
        again(f"--key={file.name}.plain"),
    )


def _in_order(
    file: Given, key_file: Given, chain: tuple[x509.Certificate, ...], key: bytes
) -> tuple[x509.Certificate, ...]:
    """The chain, if it is in order and the key is its first one's; without a root at its end, which clients have."""
    matching = [number for number, each in enumerate(chain, 1) if _spki(each.public_key()) == key]
    if not matching:
        raise UsageError(f"the key in {key_file.name} is not that of the certificate in {file.name}")
    if matching[0] != 1:
        raise UsageError(
            f"{file.name} is out of order: certificate {matching[0]} ({_subject(chain[matching[0] - 1])}) is the "
            "key's, and has to be the first",
            "put the others after it, each followed by its issuer's",
        )
    for number, (each, issuer) in enumerate(pairwise(chain), 2):
        if not _issued(each, issuer):
            raise UsageError(
                f"{file.name} is out of order: certificate {number} ({_subject(issuer)}) did not issue the one "
                f"before it ({_subject(each)}), which names {each.issuer.rfc4514_string()[:100]}",
                "put each certificate before its issuer's",
            )
    return chain[:-1] if len(chain) > 1 and chain[-1].issuer == chain[-1].subject else chain


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (*_ODD, InvalidSignature):
        return False
    return True


def _check_time(file: Given, each: x509.Certificate, number: int, now: float) -> None:
    what = f"the certificate in {file.name}" if number == 1 else f"certificate {number} in {file.name}"
    at = datetime.fromtimestamp(now, UTC)
    if each.not_valid_after_utc < at:
        raise UsageError(f"{what} has expired, on {each.not_valid_after_utc:%Y-%m-%d}", "renew it where it comes from")
    if each.not_valid_before_utc > at:
        raise UsageError(
            f"{what} is not valid before {each.not_valid_before_utc:%Y-%m-%d %H:%M} UTC",
            "if this machine's clock is right, wait until then",
        )


def _check_signature(file: Given, each: x509.Certificate) -> None:
    try:
        digest = _digest(each)
    except UnsupportedAlgorithm:
        raise UsageError(f"{file.name}: {_subject(each)} is signed in a way that is not known here") from None
    if isinstance(digest, hashes.MD5 | hashes.SHA1):
        raise UsageError(
            f"{file.name}: {_subject(each)} is signed with {digest.name.upper()}, which clients refuse",
            "have one issued that is signed with SHA-256",
        )


def _digest(certificate: x509.Certificate) -> hashes.HashAlgorithm | None:
    """What it is signed with; None for a kind of key that takes no digest."""
    return certificate.signature_hash_algorithm


def _check_kind(file: Given, key: PublicKeyTypes) -> None:
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size >= 2048:
            return
        kind = f"RSA with {key.key_size} bits"
    elif isinstance(key, ec.EllipticCurvePublicKey):
        if isinstance(key.curve, ec.SECP256R1 | ec.SECP384R1):
            return
        kind = f"EC {key.curve.name}"
    else:
        kind = type(key).__name__.removeprefix("_").removesuffix("PublicKey")
    raise UsageError(
        f"the key of the certificate in {file.name} is {kind}, which browsers refuse",
        "have one issued for EC P-256, EC P-384, or RSA with 2048 bits or more",
    )


def _check_use(file: Given, leaf: x509.Certificate) -> None:
    """Raises UsageError for an authority's certificate, and one that is not for servers, or for no name."""
    extensions = {type(each.value): each.value for each in leaf.extensions}
    basic = extensions.get(x509.BasicConstraints)
    if isinstance(basic, x509.BasicConstraints) and basic.ca:
        raise UsageError(
            f"the certificate in {file.name} is an authority's (CA:TRUE), which browsers refuse from a server",
            "have one issued for the host",
        )
    usage = extensions.get(x509.ExtendedKeyUsage)
    allowed = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)
    if isinstance(usage, x509.ExtendedKeyUsage) and not any(oid in usage for oid in allowed):
        raise UsageError(f"the certificate in {file.name} is not for servers: it lacks the usage serverAuth")
    names = extensions.get(x509.SubjectAlternativeName)
    if not isinstance(names, x509.SubjectAlternativeName) or not [
        *names.get_values_for_type(x509.DNSName),
        *names.get_values_for_type(x509.IPAddress),
    ]:
        raise UsageError(
            f"the certificate in {file.name} is for no name or address that browsers read (subjectAltName)",
            "have one issued that has them",
        )


def _notes(file: Given, chain: Sequence[x509.Certificate], now: float) -> Iterator[str]:
    leaf = chain[0]
    if len(chain) == 1 and leaf.issuer != leaf.subject:
        yield (
            f"{file.name} holds no certificate of its issuer, {leaf.issuer.rfc4514_string()[:100]}: unless clients "
            "trust that one itself, they need it too (fullchain.pem, not cert.pem)"
        )
    for each in chain:
        left = math.ceil((each.not_valid_after_utc.timestamp() - now) / 86400)
        life = (each.not_valid_after_utc - each.not_valid_before_utc).days
        if left <= min(SOON, life // 4):
            yield f"{_subject(each)} has {left} days left"


def _subject(certificate: x509.Certificate) -> str:
    return certificate.subject.rfc4514_string()[:100] or "no subject"


def _spki(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
