"""Where the user's authorities are kept."""

import os
from pathlib import Path

from cryptography import x509

from nbfab.authority.authority import Authority

ROOT = "root.pem"


def folder() -> Path:
    """The folder of all authorities, beside that of the profiles. A relative XDG_DATA_HOME is none, by its rules."""
    given = os.environ.get("XDG_DATA_HOME", "")
    return Path(given if os.path.isabs(given) else os.path.expanduser("~/.local/share"), "nbfab-authority")


def authorities() -> tuple[Authority, ...]:
    """The user's authorities, the oldest first."""
    roots = (file for file in folder().glob(f"*/{ROOT}"))
    found = (Authority(file.parent, x509.load_pem_x509_certificate(file.read_bytes())) for file in roots)
    return tuple(sorted(found, key=lambda of: (of.root.not_valid_before_utc, of.folder.name)))
