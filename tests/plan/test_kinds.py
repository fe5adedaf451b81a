"""Whose a certificate is."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from issuers import Issued
from plan_cases import NOW

from nbfab.authority.authority import Authority
from nbfab.keys import Key
from nbfab.plan import kinds, pem

PROFILES = Path(__file__).parents[1] / "profiles/0.1.0"
OURS = pem.make(("box", "192.0.2.7"), 90, NOW, NOW)
ROOT = Issued.root()


def self_signed(
    *, kind: Any = ec.SECP256R1, country: bool = False, ca: bool | None = False, extras: bool = True
) -> str:
    """A certificate that signs itself, in a shape that nbfab does not make if it is not that of the defaults."""
    key = ec.generate_private_key(kind())
    names = [x509.NameAttribute(NameOID.COMMON_NAME, "box")]
    names += [x509.NameAttribute(NameOID.COUNTRY_NAME, "CH")] if country else []
    subject = x509.Name(names)
    at = datetime.fromtimestamp(NOW, UTC)
    builder = x509.CertificateBuilder(
        subject, subject, key.public_key(), 7, at - timedelta(days=1), at + timedelta(days=9)
    )
    ours = pem.load(OURS)
    assert ours
    for extension in ours.extensions:
        if isinstance(extension.value, x509.BasicConstraints):
            if ca is not None:
                builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        elif extras or isinstance(extension.value, x509.SubjectAlternativeName):
            builder = builder.add_extension(extension.value, extension.critical)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (OURS, "self-signed"),
        (pem.make(("x" * 70, "*.lab.example.org"), 1, NOW, NOW, Key.new()), "self-signed"),
        *(
            ((PROFILES / name / "nbserver.pem.in").read_text(), "self-signed")
            for name in ("chosen", "classic", "modern")
        ),
        (self_signed(), "self-signed"),
        (self_signed(country=True), "foreign"),
        (self_signed(ca=None), "foreign"),
        (self_signed(extras=False), "foreign"),
        (self_signed(kind=ec.SECP384R1), "foreign"),
        (ROOT.issue("box", ["box"]).pem, "issued"),
        (ROOT.issue("Sub CA", ca=True).issue("box", ["box"]).pem, "foreign"),
        (Issued.root("Lab CA").issue("box", ["box"]).pem, "foreign"),
        (Issued.root("Other CA").issue("box", ["box"], kind="RSA-2048").pem, "foreign"),
    ],
    ids=(
        *("ours", "wildcard", "chosen of 0.1.0", "classic of 0.1.0", "modern of 0.1.0", "the same shape", "country"),
        *("no constraints", "openssl's", "P-384", "our authority's", "its intermediate's", "the same name", "RSA"),
    ),
)
def test_whose_a_certificate_is(text: str, kind: str) -> None:
    certificate = pem.load(text)
    assert certificate
    assert kinds.kind(certificate, [Authority(Path(), ROOT.certificate)]) == kind
