"""Host keys: what OpenSSH has on record for a host, and whether the host's key matches it."""

import base64
import hashlib
import hmac
import os
import shlex
import stat
import subprocess
from collections.abc import Callable
from typing import NamedTuple

from nbfab.errors import HostKeyError
from nbfab.fix import Command, Fix, again, there
from nbfab.ssh import known_hosts
from nbfab.ssh.route import Route, known_names, usual_key_algorithms


class Entry(NamedTuple):
    """A line of a known_hosts file that matches the host (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT).

    `own` is whether it matches the host with its port, rather than only its name; `number` that of the line.
    """

    marker: str
    type: str
    key: str
    file: str
    own: bool = True
    number: int = 0

    @property
    def shown(self) -> str:
        """The key, and where it stands."""
        return f"{self.type} {fingerprint(base64.b64decode(self.key))} ({self.file} line {self.number})"


def on_record(route: Route) -> list[Entry]:
    """The entries for a host in OpenSSH's known_hosts files; those for its name without the port as a fallback."""
    found: list[Entry] = []
    for name in known_names(route):
        found += _entries(route, name, own=name == known_names(route)[0])
        if any(not entry.marker for entry in found):
            break
    return found


def _entries(route: Route, name: str, *, own: bool = True) -> list[Entry]:
    return [
        Entry(line.marker.decode(), line.type.decode(), line.key.decode(), file, own, line.number)
        for file in route.known_hosts
        for line in known_hosts.find(name, file)
    ]


Trusts = Callable[[str, str, str], bool]
"""Asks whether a host has that key: the host's name, the key, and the command that shows the key there."""

NEW_KEY = "ask its administrator for the new key"
_KRL = b"SSHKRL\n"  # the first bytes of a key revocation list (OpenSSH's PROTOCOL.krl)
# The files of a host's keys, as sshd_config(5) has them (HostKey), by the beginning of the type.
_FILES = {"ssh-ed25519": "ed25519", "ecdsa-": "ecdsa", "ssh-rsa": "rsa", "rsa-": "rsa", "ssh-dss": "dsa"}
_RSA = ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa")


def preferred(types: tuple[str, ...], entries: list[Entry], allowed: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Host key algorithms in the order to offer them; never certificates.

    `types` are those that paramiko can verify; `allowed` is HostKeyAlgorithms, in its order. As in OpenSSH, those on
    record come first, unless ssh_config has an order of its own.
    """
    plain = [name for name in (allowed or types) if name in types and "-cert-" not in name]
    known = {entry.type for entry in entries if not entry.marker}
    if "ssh-rsa" in known:
        known |= {*_RSA}
    if plain and known and plain[0] not in known and allowed and allowed != usual_key_algorithms():
        return tuple(plain)
    return tuple(sorted(plain, key=lambda name: name not in known))


def check(
    route: Route,
    entries: list[Entry],
    kind: str,
    blob: bytes,
    *,
    accept_new: bool,
    trusts: Trusts | None = None,
    address: str = "",
) -> None:
    """Compares the host's key, of type `kind`, with what is on record; records a new one if `accept_new`.

    Without that, `trusts` is asked about a new one. `address` is the host's, if ssh_config wants that to agree too.
    Raises HostKeyError if the key is unknown, revoked, too short, or not the one on record.
    """
    if kind == "ssh-rsa" and rsa_bits(blob) < route.rsa_size:
        raise HostKeyError(
            f"its host key {kind} {fingerprint(blob)} has {rsa_bits(blob)} bits; RequiredRSASize is {route.rsa_size}",
            "ask its administrator for a longer one, or for one of another type",
        )
    for file in route.revoked:
        _check_revoked(file, kind, blob)
    key = base64.b64encode(blob).decode()
    shown = f"{kind} {fingerprint(blob)}"
    name = known_names(route)[0]
    if any(entry.key == key for entry in entries if entry.marker == "@revoked"):
        raise HostKeyError(f"its host key {shown} is revoked", NEW_KEY)
    if address:
        _check_address(route, address, kind, shown, key)
    plain = [entry for entry in entries if not entry.marker]
    if any(entry.key == key for entry in plain):
        return
    known = sorted((entry for entry in plain if entry.own), key=lambda entry: entry.type != kind)
    if known:
        raise _changed(kind, shown, known[0], name)
    if any(entry.marker == "@cert-authority" and entry.own for entry in entries):
        raise HostKeyError(
            "known_hosts has only a certificate authority for it, and paramiko does not verify certificates of hosts; "
            f"its host key is {shown}",
            again("--ssh=openssh"),
        )
    if not (accept_new or route.accept_new or _is_trusted(route, kind, shown, trusts)):
        # OpenSSH would record it in the same place, which must be one that keeps it.
        fix: Fix = (*_compare(kind), "if it is the same, record it", again("--accept-new-host-key"))
        if not route.user_known_hosts or _forgets(route.user_known_hosts):
            file = route.user_known_hosts or "none"
            fix = (*fix, f"each time, or have ssh_config name a UserKnownHostsFile other than {file}")
        raise HostKeyError(f"its host key is not known: {shown}", *fix)
    record(route, name, kind, key)


def _is_trusted(route: Route, kind: str, shown: str, trusts: Trusts | None) -> bool:
    """Whether someone says that it is the host's key, where ssh_config lets them be asked, as in OpenSSH."""
    strict = route.values.get("stricthostkeychecking", ("ask",))[0] in ("yes", "true")
    if trusts is None or strict or route.batch or not route.user_known_hosts:
        return False
    return trusts(route.typed.host, shown, _shows(kind))


def _forgets(file: str) -> bool:
    """Whether it is a device, such as /dev/null, which keeps no keys."""
    try:
        return stat.S_ISCHR(os.stat(file).st_mode)
    except OSError:
        return False


def _changed(kind: str, shown: str, known: Entry, name: str) -> HostKeyError:
    forget = ["ssh-keygen", "-R", name, "-f", known.file]
    # It puts another file in the place of that one.
    theirs = not (os.access(known.file, os.W_OK) and os.access(os.path.dirname(known.file), os.W_OK))
    return HostKeyError(
        f"its host key is {shown}, but on record is {known.shown}: "
        "the host was reinstalled, or someone is intercepting the connection",
        *_compare(kind),
        "only if it is the same, forget the one on record, and record this one",
        Command(shlex.join(["sudo", *forget] if theirs else forget)),
        again("--accept-new-host-key"),
    )


def _compare(kind: str) -> Fix:
    """How to find out whether the key that a host has shown is its own."""
    return "compare it with what the host's administrator gets from", there(_shows(kind))


def _shows(kind: str) -> str:
    """The command that shows the host's own key of a type, on the host."""
    file = next((name for start, name in _FILES.items() if kind.startswith(start)), "")
    every = 'for file in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf "$file"; done'
    return f"ssh-keygen -lf /etc/ssh/ssh_host_{file}_key.pub" if file else every


def _check_address(route: Route, address: str, kind: str, shown: str, key: str) -> None:
    """Raises HostKeyError if the address has another key on record than the name (CheckHostIP)."""
    name = address if route.port == 22 else f"[{address}]:{route.port}"
    entries = _entries(route, name)
    plain = [entry for entry in entries if not entry.marker]
    if any(entry.key == key for entry in entries if entry.marker == "@revoked"):
        raise HostKeyError(f"its host key {shown} is revoked for {address}", NEW_KEY)
    if plain and not any(entry.key == key for entry in plain):
        raise _changed(kind, shown, plain[0], name)


def rsa_bits(blob: bytes) -> int:
    """The size of an RSA key, in bits: after its type and its exponent comes the modulus (RFC 4253, 6.6)."""
    at = 0
    for _ in range(2):
        at += 4 + int.from_bytes(blob[at : at + 4], "big")
    size = int.from_bytes(blob[at : at + 4], "big")
    return int.from_bytes(blob[at + 4 : at + 4 + size], "big").bit_length()


def _check_revoked(file: str, kind: str, blob: bytes) -> None:
    """Raises HostKeyError for a key in a RevokedHostKeys file, and, as in OpenSSH, if that cannot be read."""
    key = base64.b64encode(blob)
    shown = f"{kind} {fingerprint(blob)}"
    try:
        with open(file, "rb") as stream:
            listed = stream.read()
    except OSError as error:
        raise HostKeyError(
            f"cannot check its host key {shown} against RevokedHostKeys {file}: {error.strerror}",
            Command(f"ls -l {shlex.quote(file)}"),
        ) from None
    revoked = any(key in line.split() for line in listed.splitlines())
    if listed.startswith(_KRL):
        asked = subprocess.run(
            ["ssh-keygen", "-Q", "-f", file, "/dev/stdin"],
            input=kind.encode() + b" " + key + b"\n",
            capture_output=True,
            timeout=30,
            check=False,
        )
        revoked = asked.returncode == 1
        if asked.returncode not in (0, 1):
            words = (asked.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"])[-1]
            raise HostKeyError(
                f"cannot check its host key {shown} against RevokedHostKeys: {words}",
                Command(f"ssh-keygen -Q -l -f {shlex.quote(file)}"),
            )
    if revoked:
        raise HostKeyError(f"its host key {shown} is revoked by {file}", NEW_KEY)


def fingerprint(blob: bytes) -> str:
    """The fingerprint of a public key as `ssh-keygen -l` prints it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def record(route: Route, name: str, kind: str, key: str) -> None:
    """Adds a key to the user's known_hosts. Raises HostKeyError if that cannot be written."""
    file = route.user_known_hosts
    if not file:
        raise HostKeyError(
            "its host key is not known, and UserKnownHostsFile names no file to record it in",
            Command(f"ssh -G {route.typed_for_ssh}"),
        )
    if route.hash_known_hosts:
        salt = os.urandom(20)
        digest = hmac.new(salt, name.encode(), "sha1").digest()
        name = f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"
    try:
        os.makedirs(os.path.dirname(file) or ".", mode=0o700, exist_ok=True)
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        with open(descriptor, "r+b", buffering=0) as stream:
            size = stream.seek(0, os.SEEK_END)
            if size:
                stream.seek(size - 1)
            start = b"\n" if size and stream.read(1) != b"\n" else b""
            stream.write(start + f"{name} {kind} {key}\n".encode())
    except OSError as error:
        raise HostKeyError(
            f"its host key could not be recorded in {file}: {error.strerror}", Command(f"ls -l {shlex.quote(file)}")
        ) from None
