"""Choose: whether a host needs OpenSSH itself, for what paramiko cannot do."""

import contextlib
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from functools import cache

from nbfab.errors import ConnectError
from nbfab.ssh import key_file
from nbfab.ssh.host_keys import Entry
from nbfab.ssh.route import Route
from nbfab.ssh.transport import Transport

# Options of ssh_config that paramiko cannot follow, and those of their values that ask for nothing.
_OPTIONS = {
    "knownhostscommand": ("KnownHostsCommand", ()),
    "pkcs11provider": ("PKCS11Provider", ()),
    "hostbasedauthentication": ("HostbasedAuthentication", ("no",)),
    "proxyusefdpass": ("ProxyUseFdpass", ("no",)),
    "bindinterface": ("BindInterface", ()),
}
# Options that list algorithms, and where paramiko has its own.
_ALGORITHMS = {
    "ciphers": ("Ciphers", "_preferred_ciphers"),
    "kexalgorithms": ("KexAlgorithms", "_preferred_kex"),
    "macs": ("MACs", "_preferred_macs"),
}


class Lacking(ConnectError):
    """paramiko lacks something that the connection needs; OpenSSH may have it. Nothing was sent to the host."""


def lacks(route: Route, keys: Iterable[str], entries: Iterable[Entry]) -> str:
    """What of a route paramiko lacks, the first of it; empty if there is nothing.

    `keys` are those that were given, `entries` what is on record for the host's key.
    """
    return next(_lacking(route, keys, entries), "")


def _lacking(route: Route, keys: Iterable[str], entries: Iterable[Entry]) -> Iterator[str]:
    if any(entry.marker == "@cert-authority" for entry in entries):
        yield "known_hosts has a certificate authority for the host"
    for key, (name, nothing) in _OPTIONS.items():
        if any(value not in nothing for value in route.values.get(key, ())):
            yield f"ssh_config has {name}"
    for key, (name, ours) in _ALGORITHMS.items():
        wanted = ",".join(route.values.get(key, ())).split(",")
        known = getattr(Transport, ours, ())
        if known and wanted != [""] and not set(wanted) & set(known):
            yield f"{name} has none that paramiko knows"
    for path in (*keys, *route.identities):
        if key_file.read(path).in_token:
            yield f"{path} is a security key"
    if route.values.get("gssapiauthentication") == ["yes"] and "gssapi-with-mic" in _methods(route) and _has_ticket():
        yield "GSSAPIAuthentication is on, and there is a Kerberos ticket"


def _methods(route: Route) -> str:
    return ",".join(route.values.get("preferredauthentications", ("gssapi-with-mic",)))


@cache
def _has_ticket() -> bool:
    """Whether Kerberos has a ticket that is still valid."""
    if shutil.which("klist") is None:
        return False
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        return subprocess.run(["klist", "-s"], timeout=10, check=False).returncode == 0
    return False
