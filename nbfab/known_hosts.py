"""known_hosts files: the lines about a host, as OpenSSH finds them (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT; hostfile.c).

`ssh-keygen -F` finds the same, at 3 ms of processor time for each host and file; the tests hold both side by side.
"""

import base64
import binascii
import hmac
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

_MARKERS = (b"@cert-authority", b"@revoked")


class Line(NamedTuple):
    """A line of a known_hosts file: its marker, or none, for which hosts it stands, and a key with its type."""

    marker: bytes
    hosts: bytes
    type: bytes
    key: bytes


def find(name: str, file: str) -> Iterator[Line]:
    """The lines of a file that are about `name`, a host in lower case, or `[host]:port`; none without a file.

    Of a line in which a pattern and a negated one (`!`) both mean the name, the negated one counts.
    """
    wanted = name.encode()
    try:
        status = os.stat(file)
        exact, rest = _read(file, (status.st_ino, status.st_size, status.st_mtime_ns))
    except OSError:
        return
    yield from exact.get(wanted, ())
    yield from (line for line in rest if _is_about(line.hosts, wanted))


@cache
def _read(file: str, version: tuple[int, ...]) -> tuple[Mapping[bytes, Sequence[Line]], Sequence[Line]]:
    """The lines of a file: those that name hosts, by name, and those whose hosts are patterns, or hashed."""
    exact, rest = defaultdict(list), []
    with open(file, "rb") as stream:
        for line in filter(None, map(_parse, stream)):
            if re.search(rb"[*?!|]", line.hosts):
                rest.append(line)
            else:
                for host in set(line.hosts.lower().split(b",")):
                    exact[host].append(line)
    return dict(exact), rest


def _parse(text: bytes) -> Line | None:
    """A line; None for a comment, and for what OpenSSH would not take for an entry."""
    words = text.split()
    marker = words.pop(0) if words and words[0].startswith(b"@") else b""
    if len(words) < 3 or words[0].startswith(b"#") or marker not in (b"", *_MARKERS):
        return None
    line = Line(marker, *words[:3])
    try:
        blob = base64.b64decode(line.key, validate=True)
    except binascii.Error:
        return None
    fits = line.type.isascii() and blob.startswith(len(line.type).to_bytes(4, "big") + line.type)
    return line if fits else None


def _is_about(hosts: bytes, name: bytes) -> bool:
    if hosts.startswith(b"|"):
        return _is_hash_of(hosts, name)
    patterns = hosts.lower().split(b",")
    if any(_glob(pattern[1:]).fullmatch(name) for pattern in patterns if pattern.startswith(b"!")):
        return False
    return any(_glob(pattern).fullmatch(name) for pattern in patterns if not pattern.startswith(b"!"))


def _is_hash_of(hosts: bytes, name: bytes) -> bool:
    """Whether `|1|salt|digest` stands for the name: HMAC-SHA1, both parts in base64."""
    try:
        _, version, salt, digest = hosts.split(b"|")
        hashed = hmac.digest(base64.b64decode(salt, validate=True), name, "sha1")
    except ValueError:
        return False
    return version == b"1" and hmac.compare_digest(base64.b64encode(hashed), digest)


@cache
def _glob(pattern: bytes) -> re.Pattern[bytes]:
    """ssh_config(5), PATTERNS: `*` for any number of characters, `?` for one.

    What stands between two `*` is looked for once, where it comes first (an atomic group), so no pattern takes long.
    """
    first, *parts = [re.escape(part).replace(rb"\?", b".") for part in pattern.split(b"*")]
    last = b".*" + parts.pop() if parts else b""
    return re.compile(first + b"".join(b"(?>.*?" + part + b")" for part in parts) + last, re.DOTALL)
