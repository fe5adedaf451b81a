"""An authority of the user's own: its root certificate, and the folder that holds it."""

import math
from dataclasses import field
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from nbfab.authority import constraints
from nbfab.authority.constraints import Constraint, narrowed
from nbfab.records import dataclass

LAST = 30  # days before its end in which it issues nothing: no certificate may outlive it


@dataclass(frozen=True)
class Authority:
    """An authority on this machine; `has_key` is whether there is a key. That is read only by what signs."""

    folder: Path
    root: x509.Certificate
    has_key: bool = field(default=True, compare=False)

    @property
    def name(self) -> str:
        """The name of its subject, as browsers list it."""
        return str(self.root.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)

    @property
    def fingerprint(self) -> str:
        """The SHA-256 fingerprint of its root, as browsers show it."""
        return self.root.fingerprint(hashes.SHA256()).hex(":").upper()

    @property
    def permitted(self) -> tuple[Constraint, ...]:
        """What it may sign, beside what every authority may."""
        return narrowed(self._subtrees())

    @property
    def ends(self) -> datetime:
        """When it ends, and all that it has issued with it."""
        return self.root.not_valid_after_utc

    def days_left(self, now: float) -> int:
        """Days from `now` (seconds since the epoch) until it ends, rounded up; negative once it has."""
        days = (self.ends.timestamp() - now) / 86400
        return math.ceil(days) if days > 0 else math.floor(days)

    def issues(self, now: float) -> bool:
        """Whether it still issues certificates: it is far enough from its end."""
        return self.days_left(now) > LAST

    def permits(self, name: str) -> bool:
        """Whether it may sign a certificate for a name or an address, as a certificate writes it."""
        return constraints.permits(self._subtrees(), name)

    def has_issued(self, certificate: x509.Certificate) -> bool:
        """Whether it has signed that certificate."""
        try:
            certificate.verify_directly_issued_by(self.root)
        except (ValueError, TypeError, InvalidSignature):
            return False
        return True

    def _subtrees(self) -> list[Constraint]:
        try:
            found = self.root.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees
        except x509.ExtensionNotFound:
            return []  # not one of nbfab's
        values = (of.value for of in found or () if isinstance(of, x509.DNSName | x509.IPAddress))
        return [of for of in values if isinstance(of, Constraint)]
