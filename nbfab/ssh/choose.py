"""Choose: whether a host needs OpenSSH itself, for what paramiko cannot do."""

import contextlib
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from functools import cache

from nbfab.ssh import key_file
from nbfab.ssh.host_keys import Entry
from nbfab.ssh.needs import needs_openssh
from nbfab.ssh.route import Route


def lacks(route: Route, keys: Iterable[str], entries: Iterable[Entry]) -> str:
    """What of a route paramiko lacks, the first of it; empty if there is nothing.

    `keys` are those that were given, `entries` what is on record for the host's key.
    """
    return next(_lacking(route, keys, entries), "")


def _lacking(route: Route, keys: Iterable[str], entries: Iterable[Entry]) -> Iterator[str]:
    if any(entry.marker == "@cert-authority" for entry in entries):
        yield "known_hosts has a certificate authority for the host"
    if reason := needs_openssh(route):
        yield reason
    if route.values.get("hostbasedauthentication") == ["yes"]:
        yield "HostbasedAuthentication is on"
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
