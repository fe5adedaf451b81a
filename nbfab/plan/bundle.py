"""Bundle: the certificates of the clients that a server admits, in one file, as OpenSSH's authorized_keys has keys.

Each signs itself, so that it stands for one client and can vouch for no other. Its subject says whose it is (CN), of
which role (O), and who added it (OU).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from nbfab.plan import pem
from nbfab.records import dataclass
from nbfab.text import one_line

if TYPE_CHECKING:
    from nbfab.keys import Key

Role = Literal["client", "operator", "probe"]
"""A browser, say; nbfab on a machine of an operator's; nbfab on the host itself."""

_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
_ANY_NAME = rf"{_NAME}(?:@{_NAME})?"  # that of an operator is USER@MACHINE
MOST = 100  # in one bundle: TLS reads all of it for each connection
LOOKED = 100_000  # characters that a look shows of it, see `files.sh`
BACK = 365  # days before now that one is valid from: a host's clock may be behind
LONG = 3650  # days that nbfab's own are valid
_ROLES: dict[str, Role] = {"nbfab operator": "operator", "nbfab probe": "probe"}
_BLOCK = re.compile(r"^-----BEGIN CERTIFICATE-----([^-]{1,20000})-----END CERTIFICATE-----", re.MULTILINE)
_STRAY = re.compile(r"^-----(?:BEGIN|END) ", re.MULTILINE)


@dataclass(frozen=True)
class Client:
    """An entry: who may come, and who has added them, as far as that is known. `body` is its base64, without blanks."""

    name: str
    role: Role
    by: str
    body: str
    certificate: x509.Certificate

    @property
    def fingerprint(self) -> str:
        """SHA-256, as browsers show it."""
        return pem.fingerprint(self.certificate)

    def days_left(self, now: float) -> int:
        """As `pem.days_left`."""
        return pem.days_left(self.certificate, now)


def is_new_name(text: str) -> bool:
    """Whether a client may be called that: letters, digits, and . _ - between them."""
    return bool(re.fullmatch(_NAME, text))


def is_name(text: str) -> bool:
    """Whether a client or an operator may be called that."""
    return bool(re.fullmatch(_ANY_NAME, text))


def read(text: str) -> tuple[Client, ...]:
    """The entries in a bundle that can be read, in their order."""
    return tuple(client for body in bodies(text) if (client := _client(body)))


def bodies(text: str) -> tuple[str, ...]:
    """The base64 of all entries, each without blanks."""
    return tuple("".join(found.split()) for found in _BLOCK.findall(text))


def broken(text: str) -> tuple[str, ...]:
    """The base64 of those entries that cannot be read: for TLS, the whole file would be none."""
    return tuple(body for body in bodies(text) if not _client(body))


def is_clean(text: str) -> bool:
    """Whether there is nothing beside the entries that TLS would take for the beginning of one, and stumble over."""
    return len(text) >= LOOKED or not _STRAY.search(_BLOCK.sub("", text))


def named(clients: Iterable[Client], name: str) -> tuple[Client, ...]:
    """Those of that name."""
    return tuple(client for client in clients if client.name == name)


def shown(text: str) -> str:
    """The certificate in a PEM, without its key."""
    at = text.find("-----BEGIN CERTIFICATE-----")
    return text[at:] if at >= 0 else ""


def make(name: str, role: Role, by: str, days: int, now: float, key: Key) -> str:
    """A PEM with the key and a certificate that it signs for itself, for clientAuth only (RFC 5280, 4.2.1.12).

    Valid for `days` from `now`, in seconds since the epoch.
    """
    serial = x509.random_serial_number()
    # No two may have the same subject: of those, OpenSSL finds one, and refuses the other.
    subject = x509.Name(
        x509.NameAttribute(oid, value[:64])
        for oid, value in (
            (NameOID.COMMON_NAME, name),
            (NameOID.ORGANIZATION_NAME, f"nbfab {role}"),
            (NameOID.ORGANIZATIONAL_UNIT_NAME, by),
            (NameOID.SERIAL_NUMBER, f"{serial:x}"),
        )
        if value
    )
    usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (usage, True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key), False),
    ]
    at = datetime.fromtimestamp(now, UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key)
        .serial_number(serial)
        .not_valid_before(at - timedelta(days=BACK))
        .not_valid_after(at + timedelta(days=days))
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return key.certify(builder)


def _client(body: str) -> Client | None:
    lines = [body[at : at + 64] for at in range(0, len(body), 64)]
    found = pem.load("\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""]))
    if found is None:
        return None
    role = _ROLES.get(_of(found, NameOID.ORGANIZATION_NAME), "client")
    name = _of(found, NameOID.COMMON_NAME) or pem.fingerprint(found)[:23]
    return Client(name, role, _of(found, NameOID.ORGANIZATIONAL_UNIT_NAME), body, found)


def _of(certificate: x509.Certificate, oid: ObjectIdentifier) -> str:
    values = certificate.subject.get_attributes_for_oid(oid)
    return one_line(str(values[0].value))[:64] if values else ""
