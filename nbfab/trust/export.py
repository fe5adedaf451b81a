"""What other machines need to trust an authority: its certificate, and a profile for Apple's systems."""

import plistlib
import uuid
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from nbfab.trust.root import Root, fingerprints

PAGE = "index.html"
FOLDER = "trust"  # beside the page of a fleet, which links to it
_SPACE = uuid.UUID("7b0f6b52-5d0c-4b53-9a44-6a2f3f6f6b1e")  # for the UUIDs that are made of fingerprints


def names(roots: Iterable[Root]) -> Iterator[tuple[str, Root]]:
    """What the files of each root are called, without a suffix: the oldest authority's name stays as it is."""
    for number, root in enumerate(roots, start=1):
        yield "root" if number == 1 else f"root-{number}", root


def files(roots: Iterable[Root]) -> Mapping[str, bytes]:
    """The files to write beside the page, by their names."""
    found = {}
    for name, root in names(roots):
        found[f"{name}.crt"] = root.pem.encode()
        found[f"{name}.mobileconfig"] = mobileconfig(root)
    return found


def has(folder: Path, root: Root) -> bool:
    """Whether a folder has been given the files of a root."""
    try:
        return any(root.fingerprint in fingerprints(file.read_text()) for file in folder.glob("root*.crt"))
    except (OSError, UnicodeDecodeError):
        return False


def mobileconfig(root: Root) -> bytes:
    """A profile for iOS and macOS that has the root: the same, and of the same UUIDs, whenever it is made.

    https://developer.apple.com/documentation/devicemanagement/certificateroot
    """
    identifier = f"nbfab.authority.{root.short}"
    about = f"Lets this device trust the notebook servers of {root.name}. SHA-256: {root.fingerprint}"
    payload = {
        "PayloadType": "com.apple.security.root",
        "PayloadVersion": 1,
        "PayloadIdentifier": f"{identifier}.root",
        "PayloadUUID": str(uuid.uuid5(_SPACE, f"{root.fingerprint} root")).upper(),
        "PayloadDisplayName": root.name,
        "PayloadCertificateFileName": "root.cer",
        "PayloadContent": root.certificate.public_bytes(serialization.Encoding.DER),
    }
    profile = {
        "PayloadType": "Configuration",
        "PayloadVersion": 1,
        "PayloadIdentifier": identifier,
        "PayloadUUID": str(uuid.uuid5(_SPACE, root.fingerprint)).upper(),
        "PayloadDisplayName": root.name,
        "PayloadDescription": about,
        "PayloadRemovalDisallowed": False,
        "PayloadContent": [payload],
    }
    return plistlib.dumps(profile)


def permitted(root: Root) -> tuple[str, ...]:
    """The names and networks that it may vouch for; empty if it has no limits."""
    try:
        limits = root.certificate.extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(str(subtree.value) for subtree in limits.permitted_subtrees or ())
