"""Needs: what of a route only OpenSSH itself can do."""

from nbfab.ssh.route import Route
from nbfab.ssh.transport import OPTIONS, common, supported


def needs_openssh(route: Route) -> str:
    """Why paramiko will not do for a route; empty if it will.

    Whatever is not asked about here, nbfab honours over paramiko too, or is stricter about than OpenSSH.
    """
    if route.known_hosts_command:
        return "KnownHostsCommand asks a program for the keys of hosts"
    if route.pkcs11 and "publickey" in route.methods:
        return "PKCS11Provider keeps the keys on a token"
    if route.bind_interface:
        return "BindInterface names an interface"
    known = supported()
    for name, option in OPTIONS.items():
        if not common(getattr(route, name), known[name]):
            return f"{option} leaves nothing that paramiko knows"
    return ""
