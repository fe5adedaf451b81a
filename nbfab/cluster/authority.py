"""The authority of one cluster. Dask takes every certificate of it, whatever its names: it signs for nothing else."""

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAYS = 365  # of a member's certificate
SOON = 30  # days before its end in which it is made anew
ROOT_DAYS = 3650


def make(name: str, now: float) -> str:
    """A new authority: its certificate and its key (PEM). `name` is for people."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(f"nbfab cluster {name}")
    root = _begun(subject, subject, key.public_key(), now, ROOT_DAYS)
    root = root.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    root = root.add_extension(_usage(signs=True), critical=True)
    return _pem(root.sign(key, hashes.SHA256()), key)


def sign(authority: str, name: str, now: float) -> tuple[str, str]:
    """A certificate for a member, and its key (PEM), by an authority as `make` returns it."""
    root = x509.load_pem_x509_certificate(authority.encode())
    signer = load_pem_private_key(authority.encode(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    made = _begun(_name(name), root.subject, key.public_key(), now, DAYS)
    made = made.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    made = made.add_extension(_usage(signs=False), critical=True)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    made = made.add_extension(issuer, critical=False)
    usage = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    made = made.add_extension(x509.ExtendedKeyUsage(usage), critical=False)
    text = _pem(made.sign(signer, hashes.SHA256()), key)
    end = text.index("-----BEGIN PRIVATE KEY")
    return text[:end], text[end:]


def root(authority: str) -> str:
    """The certificate of an authority, without its key (PEM)."""
    return authority[: authority.index("-----BEGIN PRIVATE KEY")]


def is_one(text: str, now: float) -> bool:
    """Whether a text holds an authority, with its key, that can sign for a year."""
    try:
        certificate, key = x509.load_pem_x509_certificate(text.encode()), load_pem_private_key(text.encode(), None)
        signs = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except Exception:  # whatever is there instead
        return False
    good = certificate.not_valid_after_utc - datetime.fromtimestamp(now, UTC) > timedelta(days=DAYS)
    return good and signs and certificate.public_key() == key.public_key()


def has_signed(authority: str, certificate: str, now: float) -> bool:
    """Whether a certificate (PEM) is of the authority with this certificate, and good for SOON days more."""
    try:
        made = x509.load_pem_x509_certificate(certificate.encode())
        made.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.encode()))
    except Exception:  # whatever is there instead
        return False
    return (made.not_valid_after_utc - datetime.fromtimestamp(now, UTC)) > timedelta(days=SOON)


def _name(text: str) -> x509.Name:
    """A common name, which has 64 bytes at most (RFC 5280, ub-common-name)."""
    cut = text.encode("utf-8", "replace")[:64].decode("utf-8", "ignore")
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, cut)])


def _usage(*, signs: bool) -> x509.KeyUsage:
    """What a key is for; Python from 3.13 on lets no one in without (VERIFY_X509_STRICT)."""
    others = dict.fromkeys(("content_commitment", "data_encipherment", "key_agreement", "key_encipherment"), False)
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
        **others,
    )


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: float, days: int
) -> x509.CertificateBuilder:
    day = datetime.fromtimestamp(now, UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(day - timedelta(days=1))  # a host's clock may be behind
        .not_valid_after(day + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _pem(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> str:
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return (certificate.public_bytes(Encoding.PEM) + secret).decode()
