"""Which certificates get a new key in a rotation."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from plan_cases import KEEP, NEW, NOW, file, holding

from nbfab.authority.authority import Authority
from nbfab.keys import Key
from nbfab.plan import certificate, pem, rotation

AUTHORITY_KEY = ec.generate_private_key(ec.SECP256R1())


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def signed(subject: str, issuer: str, key: ec.EllipticCurvePublicKey) -> x509.Certificate:
    """A certificate that the authority's key has signed."""
    now = datetime.fromtimestamp(NOW, UTC)
    return (
        x509.CertificateBuilder(name(issuer), name(subject), key, 7)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=90))
        .sign(AUTHORITY_KEY, hashes.SHA256())
    )


ISSUED = signed("box", "Lab", Key.new().public_key).public_bytes(Encoding.PEM).decode()
AUTHORITY = Authority(Path("/nowhere"), signed("Lab", "Lab", AUTHORITY_KEY.public_key()))
SELF_SIGNED = pem.make(("box",), 90, NOW, NOW)


@pytest.mark.parametrize(
    ("text", "authorities", "new_key", "replaced", "note"),
    [
        (SELF_SIGNED, (AUTHORITY,), False, False, "it signs itself; to replace both\nnbfab --new-key"),
        (SELF_SIGNED, (AUTHORITY,), True, True, ""),
        (ISSUED, (AUTHORITY,), False, True, ""),
        (ISSUED, (AUTHORITY,), True, True, ""),
        (ISSUED, (), False, False, "neither nbfab nor an authority of yours here has made it"),
        (ISSUED, (), True, False, "neither nbfab nor an authority of yours here has made it"),
        ("garbage", (), False, True, ""),
    ],
)
def test_which_key_is_replaced(
    text: str, authorities: tuple[Authority, ...], new_key: bool, replaced: bool, note: str
) -> None:
    typed = Key.new() if new_key else None
    wanted = replace(KEEP, authorities=authorities, key=typed)
    key, words = rotation.key(wanted, holding(NEW, file(certificate.FILE, text)))
    assert (key is not None) == replaced
    assert typed in (None, key) or not replaced
    assert words.endswith(note)
    assert bool(words) == bool(note)
