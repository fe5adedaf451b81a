"""A certificate and its key in one PEM: made, and read."""

import base64
import hashlib
import ipaddress
import math
import warnings
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from nbfab.authority.signer import Signer
from nbfab.keys import Key

_BEGIN = "-----BEGIN CERTIFICATE-----"
_ODD_EXTENSIONS = (x509.DuplicateExtension, x509.UnsupportedGeneralNameType)


def load(pem: str) -> x509.Certificate | None:
    """The certificate in a PEM; None if it has none that can be read, all of it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as of a serial number below zero; it would be shown to the user
            found = x509.load_pem_x509_certificate(pem.encode("utf-8", "surrogateescape"))
            # Read lazily, and each may raise, or warn.
            _ = found.extensions, found.subject, found.issuer.rfc4514_string()
            _ = found.not_valid_before_utc, found.not_valid_after_utc, names_in(found)
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion, *_ODD_EXTENSIONS):
        return None
    return found


def is_whole(pem: str) -> bool:
    """Whether the first certificate in a PEM is complete, though `load` may not understand it: DER, all of it."""
    body, end, _ = pem.partition(_BEGIN)[2].partition("-----END CERTIFICATE-----")
    try:
        der = base64.b64decode("".join(body.split()), validate=True)
    except ValueError:
        return False
    # A SEQUENCE with its length in two bytes (X.690, 8.1.3.5), as each of 256 bytes and more has.
    return bool(end) and der[:2] == b"\x30\x82" and int.from_bytes(der[2:4], "big") == len(der) - 4


def chain(pem: str) -> tuple[x509.Certificate, ...]:
    """The certificate in a PEM, and those behind it up to one that cannot be read; none if it has none."""
    found = []
    _, *parts = pem.split(_BEGIN)
    for part in parts:
        certificate = load(_BEGIN + part)
        if certificate is None:
            break
        found.append(certificate)
    return tuple(found)


def text(certificate: x509.Certificate) -> str:
    """It as PEM, without those behind it."""
    return certificate.public_bytes(Encoding.PEM).decode()


def fingerprint(certificate: x509.Certificate) -> str:
    """Its SHA-256 fingerprint, as browsers and `openssl x509 -fingerprint` show it."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def pin(certificate: x509.Certificate) -> str:
    """The SHA-256 of its public key, as `curl --pinnedpubkey` takes it (RFC 7469); empty for a kind that is unknown."""
    try:
        public = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (UnsupportedAlgorithm, ValueError):
        return ""
    return f"sha256//{base64.b64encode(hashlib.sha256(public).digest()).decode()}"


def days_left(certificate: x509.Certificate, now: float) -> int:
    """Days from `now` (seconds since the epoch) until it expires, rounded up; negative once it has."""
    days = (certificate.not_valid_after_utc.timestamp() - now) / 86400
    return math.ceil(days) if days > 0 else math.floor(days)


def days(certificate: x509.Certificate) -> int:
    """The days that it was made for, which begin a day after it is valid; 0 if the clock of its host was behind."""
    whole, rest = divmod(certificate.not_valid_after_utc - certificate.not_valid_before_utc, timedelta(days=1))
    return 0 if rest else whole - 1


def public_key(certificate: x509.Certificate) -> str | None:
    """Its public key as PEM; None for a kind of key that cryptography does not know."""
    try:
        key = certificate.public_key()
        return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    except (UnsupportedAlgorithm, ValueError):
        return None


def is_self_signed(certificate: x509.Certificate) -> bool:
    """Whether it names no other issuer than itself."""
    return certificate.issuer == certificate.subject


def issuer(certificate: x509.Certificate) -> str:
    """Who has issued it, for people."""
    text = certificate.issuer.rfc4514_string().replace("\\,", ",")  # the name of an authority of nbfab's has a comma
    return text[:100] or "an issuer without a name"


def has_our_kind_of_key(certificate: x509.Certificate) -> bool:
    """Whether its key is of the kind that `make` makes."""
    try:
        key = certificate.public_key()
    except (UnsupportedAlgorithm, ValueError):
        return False
    return isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)


def names_in(certificate: x509.Certificate) -> tuple[str, ...]:
    """The names and addresses that it is for, in their order, names in lower case."""
    try:
        san = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (
        x509.ExtensionNotFound,
        x509.DuplicateExtension,
        x509.UnsupportedGeneralNameType,
        UnsupportedAlgorithm,
        ValueError,
    ):
        return ()
    names = (name.lower() for name in san.get_values_for_type(x509.DNSName))
    return tuple(dict.fromkeys((*names, *map(str, san.get_values_for_type(x509.IPAddress)))))


def make(
    names: tuple[str, ...], days: int, now: float, clock: float, key: Key | None = None, signer: Signer | None = None
) -> str:
    """A PEM with an EC P-256 key and its certificate, self-signed or issued by `signer`, for serverAuth (RFC 5280).

    The key is a new one unless it is given. Valid for `days` from `now`, but not longer than an authority, and from a
    day before the earlier of `now` and the host's `clock`. Raises NbfabError if strict clients would refuse it.
    """
    key = key or Key.new()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    digest = x509.SubjectKeyIdentifier.from_public_key(key.public_key)
    usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.SubjectAlternativeName([_general_name(name) for name in names]), False),
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (usage, True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
        (digest, False),
    ]
    ends = datetime.fromtimestamp(now, UTC) + timedelta(days=days)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key.public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.fromtimestamp(min(now, clock), UTC) - timedelta(days=1))
        .not_valid_after(min(ends, signer.authority.ends) if signer else ends)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return key.joined(signer.issue(builder, names, now)) if signer else key.certify(builder.issuer_name(subject))


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
