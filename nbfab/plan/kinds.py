"""Kinds of certificates: who has made one, and so whose it is to replace."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from nbfab.authority.authority import Authority

Kind = Literal["self-signed", "issued", "foreign"]
"""One of nbfab's that signs itself; one that an authority of the user's has issued; one of another's."""


def kind(certificate: Certificate, authorities: Iterable[Authority]) -> Kind:
    """Whose a certificate is."""
    from nbfab.plan import pem

    if any(authority.has_issued(certificate) for authority in authorities):
        return "issued"
    return "self-signed" if pem.is_self_signed(certificate) and pem.has_our_kind_of_key(certificate) else "foreign"
