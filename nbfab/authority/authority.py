"""An authority of the user's own: its root certificate, and the folder that holds it."""

from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Authority:
    """An authority on this machine. Its key is read only by what signs."""

    folder: Path
    root: x509.Certificate

    @property
    def name(self) -> str:
        """The name of its subject, as browsers list it."""
        return str(self.root.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)

    @property
    def fingerprint(self) -> str:
        """The SHA-256 fingerprint of its root, as browsers show it."""
        return self.root.fingerprint(hashes.SHA256()).hex(":").upper()

    def has_issued(self, certificate: x509.Certificate) -> bool:
        """Whether it has signed that certificate."""
        try:
            certificate.verify_directly_issued_by(self.root)
        except (ValueError, TypeError, InvalidSignature):
            return False
        return True
