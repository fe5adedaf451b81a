"""Kinds of certificates: who has made one, and so whose it is to replace."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from nbfab.authority.authority import Authority
    from nbfab.wanted import Wanted

Kind = Literal["self-signed", "issued", "foreign"]
"""One of nbfab's that signs itself; one that an authority of the user's has issued; one of another's."""


def kind(certificate: Certificate, authorities: Iterable[Authority]) -> Kind:
    """Whose a certificate is."""
    if any(authority.has_issued(certificate) for authority in authorities):
        return "issued"
    return "self-signed" if is_nbfab_s(certificate) else "foreign"


def is_nbfab_s(certificate: Certificate) -> bool:
    """Whether it is one that signs itself in the shape that `pem.make` gives it, which 0.1.0 had as well.

    That signs itself, too, which openssl or a company has made: in another shape, and so not nbfab's to replace.
    """
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    from nbfab.plan import pem

    if not (pem.is_self_signed(certificate) and pem.has_our_kind_of_key(certificate)):
        return False
    shape = {
        x509.SubjectAlternativeName: False,
        x509.BasicConstraints: True,
        x509.KeyUsage: True,
        x509.ExtendedKeyUsage: False,
        x509.SubjectKeyIdentifier: False,
    }
    named = [part.oid for part in certificate.subject] == [NameOID.COMMON_NAME]
    return named and {type(each.value): each.critical for each in certificate.extensions} == shape


def stays(wanted: Wanted, certificate: Certificate) -> bool:
    """Whether it is one that nbfab did not make, and that no one has asked to replace."""
    return not replaces(wanted) and kind(certificate, wanted.authorities) == "foreign"


def is_strange(wanted: Wanted, text: str) -> bool:
    """Whether a PEM holds a certificate that cannot be read here, and is complete: none of nbfab's, and it stays."""
    from nbfab.plan import pem

    return not replaces(wanted) and pem.load(text) is None and pem.is_whole(text)


def replaces(wanted: Wanted) -> bool:
    """Whether this run may replace a certificate that nbfab did not make: the user has typed a flag that says so.

    A choice of before says nothing about a certificate that has come since.
    """
    settings = wanted.given or wanted.settings
    return wanted.reissue or (settings.self_signed and settings.sources.get("self_signed") == "flag")
