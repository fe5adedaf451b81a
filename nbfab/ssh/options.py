"""SshOptions: how to reach a host, beyond what ssh_config says."""

import shlex
from dataclasses import field

from nbfab.names import HostString, in_url
from nbfab.records import dataclass


@dataclass(frozen=True)
class SshOptions:
    """How to reach a host, beyond what ssh_config says.

    `config` replaces ssh_config (-S). `keys` (-i), `password` and `passphrase` apply to jump hosts too. `identity`, the
    path of a key, `jumps`, and `options`, further arguments for ssh, apply to this host alone; if `jumps` is None, they
    are those of ssh_config. `timeout` is in seconds. `accept_new` records the key of a host that is not known yet.
    `transport` is openssh or paramiko; empty leaves the choice to nbfab.
    """

    config: str = ""
    keys: tuple[str, ...] = ()
    password: str = field(default="", repr=False)
    passphrase: str = field(default="", repr=False)
    timeout: float | None = None
    accept_new: bool = False
    identity: str = ""
    jumps: tuple[HostString, ...] | None = None
    transport: str = ""
    options: tuple[str, ...] = ()

    @property
    def for_ssh(self) -> str:
        """The options of ssh for what applies to this host alone."""
        jumps = [] if self.jumps is None else ["-J", ",".join(map(_for_jump, self.jumps)) or "none"]
        return shlex.join([*self.options, *jumps, *(["-i", self.identity] if self.identity else [])])


def _for_jump(host: HostString) -> str:
    """A hop as `ssh -J` takes it: an IPv6 address in brackets, even without a port."""
    return str(host._replace(host=in_url(host.host)) if host.port is None else host)
