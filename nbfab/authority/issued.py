"""What an authority has issued, to which host and profile: a line of JSON for each, in a file beside its root."""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from nbfab.authority.authority import Authority
from nbfab.names import is_name
from nbfab.units import stamp

FILE = "issued.jsonl"
KEYS = ("time", "host", "profile", "names", "serial", "fingerprint", "ends")


def record(
    authority: Authority, host: str, profile: str, names: Iterable[str], certificate: x509.Certificate, now: float
) -> None:
    """Adds a line: `host` as it was typed, the serial number in hexadecimal. Safe for threads. Raises OSError."""
    values = (
        stamp(now),
        host,
        profile,
        list(names),
        f"{certificate.serial_number:x}",
        certificate.fingerprint(hashes.SHA256()).hex(":").upper(),
        stamp(certificate.not_valid_after_utc.timestamp()),
    )
    line = json.dumps(dict(zip(KEYS, values, strict=True))) + "\n"
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    with open(os.open(authority.folder / FILE, flags, 0o600), "r+b", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        end = file.seek(0, os.SEEK_END)
        torn = end and os.pread(file.fileno(), 1, end - 1) != b"\n"  # by a full disk
        file.write(f"{chr(10) if torn else ''}{line}".encode())
        os.fsync(file.fileno())


def read(authority: Authority) -> list[dict[str, Any]]:
    """All lines, the oldest first; what makes no sense is left out."""
    return list(_lines(authority))


def names(authorities: Iterable[Authority], host: str, profile: str) -> tuple[str, ...]:
    """The names of the last certificate that was issued to a host and profile; none if none was."""
    found = [
        line
        for authority in authorities
        for line in _lines(authority, json.dumps(host))
        if (line["host"], line["profile"]) == (host, profile)
    ]
    last: Mapping[str, Any] = max(found, key=lambda line: line["time"], default={})
    return tuple(name for name in last.get("names", ()) if isinstance(name, str) and is_name(name))


def _lines(authority: Authority, needle: str = "") -> Iterator[dict[str, Any]]:
    try:
        text = (authority.folder / FILE).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    for line in text.split("\n"):
        if not line or needle not in line:
            continue
        try:
            known = json.loads(line)
        except ValueError:
            continue
        if isinstance(known, dict) and set(KEYS) <= known.keys() and isinstance(known["names"], list):
            yield {key: known[key] for key in KEYS}
