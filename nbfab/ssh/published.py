"""Published: the connection that an `open` holds, for the other tasks on that host.

The near end of `open` links the socket of what carries to `place(...)`, with a mark of its own behind that. The place
follows from the whole command line of the login and from where ssh_config leads to: another key, jump host, option
or configuration is another place, so a task finds only the login that it would make.
"""

import hashlib
import json
import os
from pathlib import Path

from nbfab.errors import ConnectError
from nbfab.settings import state_home
from nbfab.ssh import master
from nbfab.ssh.arguments import by_itself
from nbfab.ssh.options import SshOptions
from nbfab.ssh.route import Route

NAMES = ("hostname", "user", "port", "alias", "jumps", "proxy_command", "identities", "known_hosts")


def place(route: Route, options: SshOptions) -> Path:
    """Where the sockets of connections to a host are, without the mark. Raises ConnectError."""
    where = [str(getattr(route, name)) for name in NAMES]
    whole = json.dumps([by_itself(route.typed, options), where])
    return _folder() / f"ssh-{hashlib.sha256(whole.encode(errors='surrogateescape')).hexdigest()[:32]}"


def live(route: Route, options: SshOptions) -> str:
    """The socket of a connection that an `open` holds, if one listens and its login is the one that is wanted."""
    if not any(_folder().glob("ssh-*")):  # which costs no process
        return ""
    try:
        mine = place(route, options)
    except ConnectError:
        return ""
    for link in sorted(mine.parent.glob(f"{mine.name}-*")):
        path = os.path.realpath(link)
        if link.is_symlink() and master.is_private(path) and master.listens(path):
            return path
    return ""


def _folder() -> Path:
    return Path(state_home(), "nbfab", "open")
