"""The order of a chain: the host's certificate first, each followed by its issuer's."""

from __future__ import annotations

from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from nbfab.errors import UsageError
from nbfab.own.given import Given


def in_order(
    file: Given, key_file: Given, chain: tuple[x509.Certificate, ...], key: bytes
) -> tuple[x509.Certificate, ...]:
    """The chain, if it is in order and the key is its first one's; without a root at its end, which clients have.

    `key` is as `spki` has it. Raises UsageError, which says which certificate is out of place.
    """
    matching = [number for number, each in enumerate(chain, 1) if spki(each.public_key()) == key]
    if not matching:
        raise UsageError(
            f"the key in {key_file.name} is not that of the certificate in {file.name}",
            "name the key that the certificate was requested with",
        )
    if matching[0] != 1:
        raise UsageError(
            f"{file.name} is out of order: certificate {matching[0]} ({subject(chain[matching[0] - 1])}) is the "
            "key's, and has to be the first",
            "put the others after it, each followed by its issuer's",
        )
    for number, (each, issuer) in enumerate(pairwise(chain), 2):
        if not _issued(each, issuer):
            raise UsageError(
                f"{file.name} is out of order: certificate {number} ({subject(issuer)}) did not issue the one "
                f"before it ({subject(each)}), which names {each.issuer.rfc4514_string()[:100]}",
                "put each certificate before its issuer's",
            )
    return chain[:-1] if len(chain) > 1 and chain[-1].issuer == chain[-1].subject else chain


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, UnsupportedAlgorithm, InvalidSignature):
        return False
    return True


def subject(certificate: x509.Certificate) -> str:
    """Whose it is, for people."""
    return certificate.subject.rfc4514_string()[:100] or "no subject"


def spki(key: PublicKeyTypes) -> bytes:
    """A public key as DER (SubjectPublicKeyInfo)."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
