"""Certificates of hosts: the key that one is for, and the authority that signed it (OpenSSH's PROTOCOL.certkeys)."""

from typing import NamedTuple

import paramiko

_SUFFIX = "-cert-v01@openssh.com"
_FIELDS = {"ssh-ed25519": 1, "ssh-rsa": 2}  # how many fields a key of that type has; ECDSA's have two


class Certified(NamedTuple):
    """The type and the blob of a key that a certificate is for, and the blob of its authority's key."""

    kind: str
    key: bytes
    authority: bytes


def of_host(kind: str, blob: bytes) -> Certified | None:
    """What the certificate in `blob`, of type `kind`, says; None for a plain key."""
    if not kind.endswith(_SUFFIX):
        return None
    plain = kind.removesuffix(_SUFFIX)
    certificate, key = paramiko.Message(blob), paramiko.Message()
    certificate.get_string()  # the type
    certificate.get_string()  # a nonce
    key.add_string(plain)
    for _ in range(_FIELDS.get(plain, 2)):
        key.add_string(certificate.get_string())
    certificate.get_int64()  # the serial number
    certificate.get_int()  # whether it is of a user or of a host
    certificate.get_string()  # its name
    certificate.get_string()  # the names it is for
    certificate.get_int64()  # valid from
    certificate.get_int64()  # valid until
    for _ in range(3):
        certificate.get_string()  # options, extensions, and what is reserved
    return Certified(plain, key.asbytes(), certificate.get_string())
