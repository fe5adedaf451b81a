"""Near: what was seen from this machine, apart from what the host says of itself."""

from __future__ import annotations

from typing import Literal

from nbfab.errors import UsageError
from nbfab.fix import Fix
from nbfab.records import dataclass

Stage = Literal["", "name", "tcp", "host key", "login", "login shell"]
"""A layer of the connection to the host."""
Port = Literal["", "open", "refused", "silent", "unreachable"]
"""How a port takes a connection from here; empty if that was not tried."""


@dataclass(frozen=True)
class Near:
    """What was seen from this machine.

    `local` is whether the host is this machine, and `ssh` what a person gives to `ssh` to get there. The
    connection failed at the layer `ends`, because of `why`, and `fix` is what to do; empty if it did not fail.
    `offered` are the methods of a login that failed, and `tried` is what the host was shown. `direct` is whether
    nothing stands between here and the host, such as a jump host.

    `hostname`, `ssh_port` and `user` are those of the route, `addresses` the host's as this machine resolves its name.
    `noise` is what the login shell printed before it ran a program. `asked` and `answered` are this machine's clock
    before and after the look. `name` is what browsers here call the host, `port` how the notebook's port takes a
    connection from here, and `unreached` why the server cannot be used from here though its port is open. `trusted` is
    whether this machine's store of authorities has the certificate's, and None if that was not tried. `exposed` is the
    file with the client certificate of nbfab here, if others can read it, and `unread` why the requirements file that
    is named here cannot be used.
    """

    local: bool = False
    ssh: str = ""
    ends: Stage = ""
    why: str = ""
    fix: Fix = ()
    offered: str = ""
    tried: tuple[str, ...] = ()
    direct: bool = True
    hostname: str = ""
    ssh_port: int = 22
    user: str = ""
    addresses: tuple[str, ...] = ()
    noise: tuple[str, ...] = ()
    asked: float = 0.0
    answered: float = 0.0
    name: str = ""
    port: Port = ""
    unreached: str = ""
    trusted: bool | None = None
    exposed: str = ""
    unread: UsageError | None = None
