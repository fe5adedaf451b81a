"""Master: a connection that the user's own `ssh` holds open (ControlMaster in ssh_config), if it may be used."""

import hashlib
import os
import re
import socket
import stat

from nbfab.errors import ConnectError
from nbfab.ssh.options import SshOptions
from nbfab.ssh.route import Route, resolve

ANSWER = 2.0  # seconds that it has to answer


def live(route: Route, options: SshOptions) -> str:
    """The socket of the user's ControlMaster, if one listens and its login is the one that is wanted; or nothing.

    A key, jump hosts or arguments for ssh that are given for nbfab alone are not those of that login.
    """
    path = next(iter(route.values.get("controlpath", ())), "")
    if not path or options.keys or options.identity or options.options or options.jumps is not None:
        return ""
    path = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
    if not (is_private(path) and _names(route, path) and listens(path)):
        return ""
    return path if _is_of(route, options) else ""


def is_private(path: str) -> bool:
    """Whether a socket is ours, in a folder in which no one else can put one in its place."""
    try:
        there = os.lstat(path)
        if not stat.S_ISSOCK(there.st_mode) or there.st_uid != os.geteuid():
            return False
        folder = os.path.dirname(path)
        if os.stat(folder).st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            return False
        while True:
            above = os.stat(folder)
            shared = above.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not above.st_mode & stat.S_ISVTX
            if above.st_uid not in (0, os.geteuid()) or shared:
                return False
            if folder == "/":
                return True
            folder = os.path.dirname(folder)
    except OSError:
        return False


def _names(route: Route, path: str) -> bool:
    """Whether the socket's name says whose login that is, where: by %C, or by %r, %h and %p (ssh_config(5), TOKENS).

    Otherwise the socket of `ssh ann@host` would be that of `ssh bob@host` too.
    """
    name = os.path.basename(path)
    # Since OpenSSH 9.6 the jump host counts as well.
    for jump in ("", *(hop.host for hop in route.jumps[-1:])):
        whole = f"{socket.gethostname()}{route.hostname}{route.port}{route.user}{jump}"
        if hashlib.sha1(whole.encode(), usedforsecurity=False).hexdigest() in name:
            return True
    for part in sorted((route.hostname, route.user, str(route.port)), key=len, reverse=True):
        name, found = re.subn(rf"(?<![A-Za-z0-9]){re.escape(part)}(?![A-Za-z0-9])", "/", name, count=1)
        if not found:
            return False
    return True


def listens(path: str) -> bool:
    """Whether a process listens there; one that hangs does, too."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(ANSWER)
        try:
            probe.connect(path)
        except TimeoutError:
            return True
        except OSError:
            return False
        return True


def _is_of(route: Route, options: SshOptions) -> bool:
    """Whether the login is of the configuration that counts.

    If a file takes the place of ssh_config (-S), a socket that ssh_config would name as well may be of either: then
    both must lead to the host alike.
    """
    if not options.config:
        return True
    try:
        other = resolve(route.typed)
    except ConnectError:
        return True
    same = ("jumps", "proxy_command", "identities", "certificates", "alias", "known_hosts")
    return other.values.get("controlpath") != route.values.get("controlpath") or all(
        getattr(other, name) == getattr(route, name) for name in same
    )
