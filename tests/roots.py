"""Authorities of a user, as `nbfab ca` leaves them."""

import datetime
import ipaddress
import os
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from nbfab.trust.root import Root

NAME = "nbfab authority of ann, 2026-11-25 1f3a"


def authority(data: Path, name: str = NAME, *, passphrase: bytes = b"", days_ago: int = 1) -> Root:
    """Makes an authority below the folder XDG_DATA_HOME; its root."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begins = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=days_ago)
    permitted = [*map(x509.DNSName, ("localhost", "lab.example.org")), *map(_network, ("127.0.0.0/8", "::1/128"))]
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + datetime.timedelta(days=3650))
        .add_extension(x509.BasicConstraints(True, 0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.NameConstraints(permitted, None), critical=True)
        .sign(key, hashes.SHA256())
    )
    root = Root(certificate, data / "nbfab-authority" / name[-4:] / "root.pem")
    root.file.parent.mkdir(mode=0o700, parents=True)
    _write(root.file, root.pem.encode())
    locked = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    _write(
        root.file.with_name("key.pem"),
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked),
    )
    return root


def bare(env: dict[str, str], *more: str) -> dict[str, str]:
    """An environment without variables that name another store."""
    names = ("SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", *more)
    return {name: value for name, value in env.items() if name not in names}


def _network(text: str) -> x509.IPAddress:
    return x509.IPAddress(ipaddress.ip_network(text))


def _write(file: Path, data: bytes) -> None:
    with open(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as stream:
        stream.write(data)
