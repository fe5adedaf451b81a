"""A root certificate as trust stores know it."""

import base64
import contextlib
import hashlib
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from nbfab.authority.authority import Authority
from nbfab.authority.store import ROOT
from nbfab.records import dataclass

_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


@dataclass(frozen=True)
class Root:
    """A root, and a file that has it as PEM."""

    certificate: x509.Certificate
    file: Path

    @property
    def name(self) -> str:
        """Its common name, under which stores list it."""
        names = self.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return str(names[0].value) if names else self.short

    @property
    def fingerprint(self) -> str:
        """SHA-256, as browsers show it."""
        return self.certificate.fingerprint(hashes.SHA256()).hex(":").upper()

    @property
    def sha1(self) -> str:
        """SHA-1 in hexadecimal, by which Windows and macOS know a certificate."""
        return self.certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303

    @property
    def short(self) -> str:
        """The beginning of the fingerprint, for names of files."""
        return self.fingerprint.replace(":", "")[:16].lower()

    @property
    def pem(self) -> str:
        """The certificate as PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()


def of(authority: Authority) -> Root:
    """The root of an authority of the user's."""
    return Root(authority.root, authority.folder / ROOT)


def fingerprints(text: str) -> frozenset[str]:
    """The fingerprints of the certificates in a text of PEM blocks. None is parsed: systems have odd ones."""
    found = set()
    for block in text.split(_BEGIN)[1:]:
        body, end, _ = block.partition(_END)
        with contextlib.suppress(ValueError):
            data = base64.b64decode("".join(body.split()), validate=True)
            if end and data:
                found.add(hashlib.sha256(data).digest().hex(":").upper())
    return frozenset(found)
