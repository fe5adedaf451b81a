"""Step 2: a self-signed certificate and its key in one PEM."""

import ipaddress
import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from nbfab.change import Change, write
from nbfab.facts import Facts
from nbfab.settings import EVERY_ADDRESS, is_name
from nbfab.steps.files import PRIVATE
from nbfab.wanted import Wanted

FILE = "nbserver.pem"
RENEW = 30  # days left, as ACME clients do it; a third of the life of one that is shorter
SKEW = 600  # seconds between two clocks that are worth a note


def names(wanted: Wanted, facts: Facts) -> tuple[str, ...]:
    """Every name and address that people will type, as a certificate can carry it, each once."""
    own = [name for name in facts.names if is_name(name)]
    listening = () if wanted.settings.ip in EVERY_ADDRESS else (wanted.settings.ip,)
    every = [*wanted.names, *wanted.settings.names, *listening, *own, "localhost", "127.0.0.1", "::1"]
    return tuple(dict.fromkeys(_canonical(name) for name in every if is_name(name)))


def _canonical(name: str) -> str:
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name.lower()


def load(pem: str) -> x509.Certificate | None:
    """The certificate of a PEM, or None if there is none that can be read."""
    try:
        return x509.load_pem_x509_certificate(pem.encode("utf-8", "surrogateescape"))
    except ValueError:
        return None


def fingerprint(certificate: x509.Certificate) -> str:
    """Its SHA-256 fingerprint, as browsers and `openssl x509 -fingerprint` show it."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def days_left(certificate: x509.Certificate, now: float) -> int:
    """Days from `now` (seconds since the epoch) until it ends, a begun one is one more; negative once it has."""
    days = (certificate.not_valid_after_utc.timestamp() - now) / 86400
    return math.ceil(days) if days > 0 else math.floor(days)


def certificate(wanted: Wanted, facts: Facts) -> Iterator[Change]:
    """A new key and certificate, unless the ones that are there have the names, the key and the days."""
    want = names(wanted, facts)
    why = _why_not(wanted, facts, want)
    if why:
        verb = "renew" if facts.certificate else "make"
        pem = make(want, wanted.settings.days, wanted.now, facts.clock)
        yield write("certificate", f"{verb} the certificate for {', '.join(want)}: {why}", FILE, pem)


def _why_not(wanted: Wanted, facts: Facts, want: tuple[str, ...]) -> str:
    """Why the certificate that is there will not do; empty if it will."""
    if FILE not in facts.modes:
        return "there is none"
    have = load(facts.certificate)
    if have is None or _public(have) is None:
        return "it cannot be read"
    left, days = days_left(have, wanted.now), wanted.settings.days
    known = _names_of(have)
    missing = [name for name in want if name not in known]
    public = _public(have) or ""
    if missing:
        return f"it is not for {', '.join(missing)}"
    if facts.key_public and facts.key_public.strip() != public.strip():
        return "its key does not fit"
    if have.not_valid_before_utc.timestamp() > min(wanted.now, facts.clock):
        return "it is not valid yet"
    if left < min(RENEW, days // 3):
        return f"it ends in {left} days" if left >= 0 else "it has ended"
    if left > days:
        return f"it has {left} days left, which is more than the {days} that are asked for"
    if facts.modes[FILE] != PRIVATE:
        return f"its key could be read by others ({facts.modes[FILE]})"
    return ""


def _public(certificate: x509.Certificate) -> str | None:
    """Its public key as PEM; None for a kind of key that is not known here."""
    try:
        key = certificate.public_key()
        return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    except (UnsupportedAlgorithm, ValueError):
        return None


def _names_of(certificate: x509.Certificate) -> set[str]:
    try:
        san = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, UnsupportedAlgorithm, ValueError):
        return set()
    return {*san.get_values_for_type(x509.DNSName), *map(str, san.get_values_for_type(x509.IPAddress))}


def make(names: tuple[str, ...], days: int, now: float, clock: float) -> str:
    """A PEM with a new EC P-256 key and a self-signed certificate, for serverAuth only (RFC 5280).

    Valid for `days` from `now`, and from a day before the earlier of `now` and the host's `clock`.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    digest = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.SubjectAlternativeName([_general_name(name) for name in names]), False),
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (usage, True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
        (digest, False),
    ]
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.fromtimestamp(min(now, clock), UTC) - timedelta(days=1))
        .not_valid_after(datetime.fromtimestamp(now, UTC) + timedelta(days=days))
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return (secret + builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)).decode()


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def notes(wanted: Wanted, facts: Facts) -> Iterator[str]:
    """What a person should know of the two clocks."""
    skew = facts.clock - wanted.now
    if abs(skew) > SKEW:
        amount = f"{abs(skew) / 86400:.1f} days" if abs(skew) > 86400 else f"{abs(skew) / 60:.0f} minutes"
        yield f"the host's clock is {amount} {'ahead of' if skew > 0 else 'behind'} this machine's"
