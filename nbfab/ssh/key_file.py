"""Key files: what one says of its private key without being decrypted (OpenSSH's PROTOCOL.key)."""

import base64
import binascii
import contextlib
import os
from typing import NamedTuple

import paramiko

_MAGIC = b"openssh-key-v1\0"
_LONGEST = 100_000  # bytes


class KeyFile(NamedTuple):
    """Whether a private key is encrypted, and its type; that is empty for the file formats that do not say."""

    encrypted: bool = False
    kind: str = ""

    @property
    def in_token(self) -> bool:
        """Whether the key itself is in a security key."""
        return self.kind.startswith("sk-")


def read(path: str) -> KeyFile:
    """What a file says; nothing if there is none, or no private key in it."""
    with contextlib.suppress(OSError, binascii.Error, ValueError, UnicodeError):
        with open(os.path.expanduser(path), "rb") as file:
            text = file.read(_LONGEST)
        begin, _, rest = text.partition(b"\n")
        if begin.strip() != b"-----BEGIN OPENSSH PRIVATE KEY-----":
            return KeyFile(b"ENCRYPTED" in text[:1000])
        data = base64.b64decode(rest.partition(b"-----END")[0])
        if data.startswith(_MAGIC):
            key = paramiko.Message(data.removeprefix(_MAGIC))
            cipher, _, _ = key.get_text(), key.get_string(), key.get_string()
            key.get_int()  # how many keys
            return KeyFile(cipher != "none", paramiko.Message(key.get_string()).get_text())
    return KeyFile()
