"""Signer: an authority with its private key, in memory."""

from dataclasses import field
from datetime import UTC, datetime
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from nbfab.authority.authority import Authority
from nbfab.errors import NbfabError
from nbfab.names import is_address
from nbfab.records import dataclass


@dataclass(frozen=True)
class Signer:
    """An authority that can sign; `repr` shows nothing of its key."""

    authority: Authority
    _private: ec.EllipticCurvePrivateKey = field(repr=False)

    def __reduce__(self) -> str:
        raise TypeError("a key is not for pickle, copy or any other place")

    def issue(self, builder: x509.CertificateBuilder, names: tuple[str, ...], now: float) -> x509.Certificate:
        """Signs the certificate of `builder`, which is for `names`, and verifies it as the strictest client does.

        Raises NbfabError if such a client would refuse it.
        """
        root = self.authority.root
        key_id = root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        issuer = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key_id)
        builder = builder.issuer_name(root.subject).add_extension(issuer, critical=False)
        made = builder.sign(self._private, hashes.SHA256())
        policy = PolicyBuilder().store(Store([root])).time(datetime.fromtimestamp(now, UTC))
        for name in names:
            try:
                policy.build_server_verifier(_subject(name)).verify(made, [])
            except (VerificationError, ValueError) as error:
                raise NbfabError(
                    f"the certificate that {self.authority.name} has issued would be refused for {name}: {error}",
                    "please report it",
                ) from None
        return made


def _subject(name: str) -> x509.DNSName | x509.IPAddress:
    """A name as a client asks for it: one of those that a wildcard stands for."""
    if is_address(name):
        return x509.IPAddress(ip_address(name))
    return x509.DNSName(f"host{name[1:]}" if name.startswith("*.") else name)
