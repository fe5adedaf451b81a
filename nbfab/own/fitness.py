"""Whether clients take a certificate: its dates, its key, its signature, what it is for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID

from nbfab.errors import UsageError
from nbfab.own.given import Given
from nbfab.own.order import subject

SOON = 21  # days left that are worth a note: ACME clients renew at 30, so one that has come this far was forgotten


def check_time(file: Given, each: x509.Certificate, number: int, now: float) -> None:
    """Raises UsageError if the certificate of that number in a file is not valid now."""
    what = f"the certificate in {file.name}" if number == 1 else f"certificate {number} in {file.name}"
    at = datetime.fromtimestamp(now, UTC)
    if each.not_valid_after_utc < at:
        raise UsageError(f"{what} has expired, on {each.not_valid_after_utc:%Y-%m-%d}", "renew it where it comes from")
    if each.not_valid_before_utc > at:
        raise UsageError(
            f"{what} is not valid before {each.not_valid_before_utc:%Y-%m-%d %H:%M} UTC",
            "if this machine's clock is right, wait until then",
        )


def check_signature(file: Given, each: x509.Certificate) -> None:
    """Raises UsageError for one that is signed with what clients refuse."""
    try:
        digest = digest_of(each)
    except UnsupportedAlgorithm:
        raise UsageError(f"{file.name}: {subject(each)} is signed in a way that is not known here") from None
    if isinstance(digest, hashes.MD5 | hashes.SHA1):
        raise UsageError(
            f"{file.name}: {subject(each)} is signed with {digest.name.upper()}, which clients refuse",
            "have one issued that is signed with SHA-256",
        )


def digest_of(certificate: x509.Certificate) -> hashes.HashAlgorithm | None:
    """What it is signed with; None for a kind of key that takes no digest."""
    return certificate.signature_hash_algorithm


def check_kind(file: Given, key: PublicKeyTypes) -> None:
    """Raises UsageError for a kind of key that browsers refuse."""
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


def check_use(file: Given, leaf: x509.Certificate) -> None:
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


def notes(file: Given, chain: Sequence[x509.Certificate], now: float) -> Iterator[str]:
    """What people should know of a chain: that one in it ends soon, or one may be missing."""
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
            yield f"{subject(each)} has {left} days left"
