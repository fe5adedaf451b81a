"""Certificates that others issue: a root, an intermediate, a leaf for a host, each as odd as a test wants it."""

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

SERVER = (ExtendedKeyUsageOID.SERVER_AUTH,)


def new_key(kind: str = "P-256") -> Any:
    """A key of that kind, such as `P-384`, `RSA-2048`, `Ed25519`."""
    name, _, size = kind.partition("-")
    if name == "RSA":
        return rsa.generate_private_key(65537, int(size))
    if name == "DSA":
        return dsa.generate_private_key(2048)
    curves: dict[str, Any] = {"256": ec.SECP256R1, "384": ec.SECP384R1, "521": ec.SECP521R1, "256k": ec.SECP256K1}
    others: dict[str, Any] = {"Ed25519": ed25519.Ed25519PrivateKey, "Ed448": ed448.Ed448PrivateKey}
    return others[name].generate() if name in others else ec.generate_private_key(curves[size]())


class Issued:
    """A certificate and its key; `issue` has it issue another. A root has no issuer."""

    def __init__(self, certificate: x509.Certificate, key: Any, issuer: "Issued | None" = None) -> None:
        self.certificate, self.key, self.issuer = certificate, key, issuer

    @classmethod
    def root(cls, name: str = "Lab CA", **more: Any) -> Self:
        """A new authority."""
        return cls._make(name, None, ca=True, **{"start": -400, "days": 3650, **more})

    def issue(self, name: str, names: Sequence[str] = (), **more: Any) -> "Issued":
        """A certificate for those names; with `ca`, of an intermediate."""
        return self._make(name, self, names=names, **more)

    @property
    def pem(self) -> str:
        """The certificate alone."""
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def chain(self) -> str:
        """The certificate and those that it needs, without the root."""
        return self.pem + (self.issuer.chain if self.issuer and self.issuer.issuer else "")

    def secret(self, passphrase: str = "", form: PrivateFormat = PrivateFormat.PKCS8) -> str:
        """The key."""
        encryption = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
        return str(self.key.private_bytes(Encoding.PEM, form, encryption).decode())

    @classmethod
    def _make(
        cls,
        name: str,
        issuer: "Issued | None",
        *,
        names: Sequence[str] = (),
        kind: str = "P-256",
        ca: bool = False,
        start: float = -1,
        days: float = 90,
        usage: Sequence[ObjectIdentifier] = SERVER,
        digest: Any = hashes.SHA256,
        now: float | None = None,
    ) -> Self:
        key = new_key(kind)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        at = datetime.now(UTC) if now is None else datetime.fromtimestamp(now, UTC)
        signer = issuer.key if issuer else key
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.certificate.subject if issuer else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(at + timedelta(days=start))
            .not_valid_after(at + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        )
        if ca:
            usages = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
            builder = builder.add_extension(usages, critical=True)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(list(map(_general, names))), critical=False)
        if usage and not ca:
            builder = builder.add_extension(x509.ExtendedKeyUsage(usage), critical=False)
        edwards = isinstance(signer, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey)
        return cls(builder.sign(signer, None if edwards else digest()), key, issuer)


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def three(*names: str, **leaf: Any) -> Issued:
    """A leaf for those names, behind an intermediate of a root."""
    now = {"now": leaf["now"]} if "now" in leaf else {}
    intermediate = Issued.root(**now).issue("Lab CA 1", ca=True, days=1000, start=-300, **now)
    return intermediate.issue(names[0], names, **leaf)
