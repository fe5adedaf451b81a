"""Keys: the private key of a certificate, in memory."""

from typing import Self

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    pkcs12,
)

ROUNDS = 50_000  # of the key derivation in a PKCS#12 file
LONGEST = 4000  # characters of a PEM; one with a P-256 key has 241


class Key:
    """A private key (EC P-256); `repr` shows nothing of it."""

    __slots__ = ("_private",)

    def __init__(self, private: ec.EllipticCurvePrivateKey) -> None:
        self._private = private

    def __repr__(self) -> str:
        return "Key(...)"

    def __reduce__(self) -> str:
        raise TypeError("a key is not for pickle, copy or any other place")

    @classmethod
    def new(cls) -> Self:
        """A key that no one has yet."""
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def load(cls, pem: str) -> Self | None:
        """The key in a PEM; None if it has none of our kind that can be read without a passphrase.

        No error leaves here: it could quote what it was about.
        """
        if len(pem) > LONGEST:
            return None
        try:
            private = load_pem_private_key(pem.encode("utf-8", "surrogateescape"), None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            return None
        ours = isinstance(private, ec.EllipticCurvePrivateKey) and isinstance(private.curve, ec.SECP256R1)
        return cls(private) if ours else None  # type: ignore[arg-type]

    @property
    def public_key(self) -> ec.EllipticCurvePublicKey:
        """Its public half."""
        return self._private.public_key()

    @property
    def public(self) -> str:
        """Its public half as PEM."""
        return self.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def certify(self, builder: x509.CertificateBuilder) -> str:
        """A PEM with this key, and with the certificate of `builder` that it has signed."""
        return self.joined(builder.sign(self._private, hashes.SHA256()))

    def joined(self, certificate: x509.Certificate) -> str:
        """A PEM with this key and its certificate."""
        secret = self._private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return (secret + certificate.public_bytes(Encoding.PEM)).decode()

    def pkcs12(self, name: str, certificate: x509.Certificate, password: str, *, legacy: bool) -> bytes:
        """A PKCS#12 file (RFC 7292) with this key and its certificate, under a password.

        AES-256 and SHA-256; for systems that do not know these, `legacy`: 3DES and SHA-1.
        """
        builder = PrivateFormat.PKCS12.encryption_builder().kdf_rounds(ROUNDS)
        if legacy:
            builder = builder.key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC)
        else:
            builder = builder.key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC)
        builder = builder.hmac_hash(hashes.SHA1() if legacy else hashes.SHA256())  # noqa: S303
        encryption = builder.build(password.encode())
        return pkcs12.serialize_key_and_certificates(name.encode(), self._private, certificate, None, encryption)
