"""known_hosts files: the lines about a host, as OpenSSH finds them (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT; hostfile.c).

`ssh-keygen -F` finds the same, but costs 3 ms of processor time per host and file; the tests compare the two.
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

LONGEST = 1023  # bytes of a pattern; OpenSSH ignores a line with a longer one (match.c)
_MARKERS = (b"@cert-authority", b"@revoked")


class Line(NamedTuple):
    """A line of a known_hosts file: its marker, which may be empty, its hosts, a key with its type, and its number."""

    marker: bytes
    hosts: bytes
    type: bytes
    key: bytes
    number: int = 0


def find(name: str, file: str) -> Iterator[Line]:
    """The lines of a file that match `name`, a host in lower case or `[host]:port`; none if there is no such file.

    If both a pattern and a negated one (`!`) of a line match, the negated one wins.
    """
    wanted = name.encode()
    if not os.path.isfile(file):  # opening a FIFO would block
        return
    try:
        stat = os.stat(file)
        version = (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
        exact, rest = _read(file, version)
    except OSError:
        return
    yield from exact.get(wanted, ())
    yield from (line for line in rest if _matches(line.hosts, wanted))


@lru_cache(maxsize=8)  # versions of files; each key that is recorded makes a new one
def _read(file: str, version: tuple[int, ...]) -> tuple[Mapping[bytes, Sequence[Line]], Sequence[Line]]:
    """The lines of a file: those with plain host names, by name, and those with patterns or hashes."""
    exact, rest = defaultdict(list), []
    with open(file, "rb") as stream:
        for number, text in enumerate(stream, 1):
            line = _parse(text)
            if line is None:
                continue
            line = line._replace(number=number)
            if re.search(rb"[*?!|]", line.hosts):
                rest.append(line)
            else:
                for host in set(line.hosts.lower().split(b",")):
                    exact[host].append(line)
    return dict(exact), rest


def _parse(text: bytes) -> Line | None:
    """A line; None for a comment, and for anything that OpenSSH does not recognize as an entry."""
    text = text.partition(b"\0")[0].strip(b" \t\n")
    words = re.split(rb"[ \t]+", text)
    marker = words.pop(0) if text.startswith(b"@") else b""
    if len(words) < 3 or text.startswith(b"#") or marker not in (b"", *_MARKERS):
        return None
    hosts, kind, key = words[:3]
    key = re.sub(rb"\s", b"", key)
    # OpenSSH accepts the names of signature algorithms for that of the key type.
    kind = re.sub(rb"^rsa-sha2-(256|512)$", b"ssh-rsa", kind)
    try:
        blob = base64.b64decode(key, validate=True)
    except binascii.Error:
        return None
    fits = kind.isascii() and blob.startswith(len(kind).to_bytes(4, "big") + kind)
    return Line(marker, hosts, kind, key) if fits and max(map(len, hosts.split(b","))) < LONGEST else None


def _matches(hosts: bytes, name: bytes) -> bool:
    if hosts.startswith(b"|"):
        return _is_hash_of(hosts, name)
    patterns = hosts.lower().split(b",")
    if any(_glob(pattern[1:]).fullmatch(name) for pattern in patterns if pattern.startswith(b"!")):
        return False
    return any(_glob(pattern).fullmatch(name) for pattern in patterns if not pattern.startswith(b"!"))


def _is_hash_of(hosts: bytes, name: bytes) -> bool:
    """Whether `|1|salt|digest` is a hash of the name: HMAC-SHA1, both parts in base64."""
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

    The text between two `*` matches where it first occurs (an atomic group): no backtracking, so no pattern is slow.
    """
    first, *parts = [re.escape(part).replace(rb"\?", b".") for part in pattern.split(b"*")]
    last = b".*" + parts.pop() if parts else b""
    return re.compile(first + b"".join(b"(?>.*?" + part + b")" for part in parts) + last, re.DOTALL)
