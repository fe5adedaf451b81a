"""What is in files that were given: certificates, and a key."""

from __future__ import annotations

import shlex
import warnings
from collections.abc import Iterator

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from nbfab.errors import UsageError
from nbfab.fix import Command, again
from nbfab.own.given import LONGEST, Given
from nbfab.own.order import spki

_BINARY = b"\x30"  # how DER begins: a certificate, a key or a .p12
MOST = 20  # certificates in a chain
_ODD = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)


def _blocks(text: str) -> Iterator[tuple[str, str]]:
    """The parts of a PEM, each with its label (RFC 7468)."""
    label, lines = "", list[str]()
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("-----BEGIN ") and stripped.endswith("-----"):
            label, lines = stripped[11:-5], []
        if label:
            lines.append(stripped)
        if label and stripped == f"-----END {label}-----":
            yield label, "\n".join(lines) + "\n"
            label = ""


def _text(file: Given) -> str:
    return file.data.decode("ascii", "replace")


def chain_in(file: Given) -> tuple[x509.Certificate, ...]:
    """The certificates in a file, in their order. Raises UsageError."""
    if len(file.data) > LONGEST:
        raise UsageError(f"{file.name} is longer than any certificate with its chain")
    blocks = [block for label, block in _blocks(_text(file)) if label in ("CERTIFICATE", "X509 CERTIFICATE")]
    if not blocks and file.data[:1] == _BINARY:
        raise _binary(file)
    if not blocks:
        swapped = "PRIVATE KEY-----" in _text(file)
        more = ("it holds a key: name that by --key, and the certificate by --certificate",) if swapped else ()
        raise UsageError(f"{file.name} holds no certificate (PEM)", *more)
    if len(blocks) > MOST:
        raise UsageError(f"{file.name} holds {len(blocks)} certificates, which is no chain")
    return tuple(_certificate(file, block, number) for number, block in enumerate(blocks, 1))


def _binary(file: Given) -> UsageError:
    """That a file is not PEM, and how to make one of it."""
    source, made = shlex.quote(file.name), shlex.quote(f"{file.name}.pem")
    try:
        x509.load_der_x509_certificate(file.data)
        words, command = "this makes one", f"openssl x509 -inform DER -in {source} -out {made}"
    except ValueError:
        words = "of a .p12 or .pfx file, this makes one, with the key"
        command = f"(umask 077; openssl pkcs12 -in {source} -nodes -out {made})"
    error = f"{file.name} is binary, and PEM is wanted, which is text"
    return UsageError(error, words, Command(command), "then name that", again(f"--certificate={file.name}.pem"))


def _certificate(file: Given, block: str, number: int) -> x509.Certificate:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as of a serial number below zero; it would be shown to the user
            found = x509.load_pem_x509_certificate(block.encode())
            # Read lazily, and each may raise.
            _ = found.extensions, found.subject.rfc4514_string(), found.issuer.rfc4514_string()
            _ = found.not_valid_before_utc, found.not_valid_after_utc
            spki(found.public_key())
    except _ODD:
        raise UsageError(f"{file.name}: certificate {number} cannot be read") from None
    return found


def _no_key(file: Given, certificates: Given) -> UsageError:
    error = f"{file.name} holds no private key (PEM)"
    if file is certificates:
        return UsageError(error, "name the file with the key", again("--key=KEY.pem"))
    if file.data[:1] != _BINARY:
        return UsageError(error)
    source, made = shlex.quote(file.name), shlex.quote(f"{file.name}.pem")
    command = Command(f"(umask 077; openssl pkey -inform DER -in {source} -out {made})")
    return UsageError(error, "it is binary; this makes a PEM of it", command, again(f"--key={file.name}.pem"))


def key_in(file: Given, certificates: Given) -> PrivateKeyTypes:
    """The key in a file; no error quotes anything of that. Raises UsageError, also for one that has a passphrase."""
    if len(file.data) > LONGEST:
        raise UsageError(f"{file.name} is longer than any key")
    blocks = [block for label, block in _blocks(_text(file)) if label.endswith("PRIVATE KEY")]
    if not blocks:
        raise _no_key(file, certificates)
    if len(blocks) > 1:
        raise UsageError(f"{file.name} holds {len(blocks)} private keys, and one is wanted")
    encrypted = "ENCRYPTED" in blocks[0]
    try:
        return load_pem_private_key(blocks[0].encode(), None)
    except TypeError:
        encrypted = True
    except (ValueError, UnsupportedAlgorithm):
        pass
    if not encrypted:
        raise UsageError(f"the key in {file.name} cannot be read")
    name = shlex.quote(file.name)
    plain = shlex.quote(f"{file.name}.plain")
    raise UsageError(
        f"the key in {file.name} has a passphrase, which no one could type when the server starts",
        "this asks for it, and writes a copy without; then name that",
        Command(f"(umask 077; openssl pkey -in {name} -out {plain})"),
        again(f"--key={file.name}.plain"),
    )
