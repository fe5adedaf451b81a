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
from functools import cache, lru_cache
from typing import NamedTuple

LONGEST = 1023  # bytes of a pattern; OpenSSH takes a line with a longer one for nothing (match.c)
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
    if not os.path.isfile(file):  # a FIFO would be waited for
        return
    try:
        stat = os.stat(file)
        version = (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
        exact, rest = _read(file, version)
    except OSError:
        return
    yield from exact.get(wanted, ())
    yield from (line for line in rest if _is_about(line.hosts, wanted))


@lru_cache(maxsize=8)  # files; each new key that is recorded makes a new version of one
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
    text = text.partition(b"\0")[0].strip(b" \t\n")
    words = re.split(rb"[ \t]+", text)
    marker = words.pop(0) if text.startswith(b"@") else b""
    if len(words) < 3 or text.startswith(b"#") or marker not in (b"", *_MARKERS):
        return None
    hosts, kind, key = words[:3]
    key = re.sub(rb"\s", b"", key)
    # OpenSSH takes the names of signatures for that of the key.
    kind = re.sub(rb"^rsa-sha2-(256|512)$", b"ssh-rsa", kind)
    try:
        blob = base64.b64decode(key, validate=True)
    except binascii.Error:
        return None
    fits = kind.isascii() and blob.startswith(len(kind).to_bytes(4, "big") + kind)
    return Line(marker, hosts, kind, key) if fits and max(map(len, hosts.split(b","))) < LONGEST else None


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
        salt = base64.b64decode(salt, validate=True)
        hashed = hmac.digest(salt, name, "sha1")
    except ValueError:
        return False
    return version == b"1" and len(salt) == 20 and hmac.compare_digest(base64.b64encode(hashed), digest)


@cache
def _glob(pattern: bytes) -> re.Pattern[bytes]:
    """ssh_config(5), PATTERNS: `*` for any number of characters, `?` for one.

    What stands between two `*` is looked for once, where it comes first (an atomic group), so no pattern takes long.
    """
    first, *parts = [re.escape(part).replace(rb"\?", b".") for part in pattern.split(b"*")]
    last = b".*" + parts.pop() if parts else b""
    return re.compile(first + b"".join(b"(?>.*?" + part + b")" for part in parts) + last, re.DOTALL)
