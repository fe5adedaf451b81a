"""Arguments: the command line of an `ssh` that logs in, for nbfab itself and for `open`."""

import os
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace

from nbfab.errors import ConnectError
from nbfab.fix import Command
from nbfab.names import HostString, in_url
from nbfab.ssh.connection import HOPS, KEEPALIVE
from nbfab.ssh.options import SshOptions
from nbfab.ssh.route import resolve

# What a configuration may say otherwise, and what counts for nbfab: no forwarding, no command, no question and no key
# on record but those that are meant; the names first that older versions do not know.
ALWAYS = {
    "IgnoreUnknown": "KnownHostsCommand,SessionType,ForkAfterAuthentication,StdinNull",
    "AddKeysToAgent": "no",
    "ClearAllForwardings": "yes",
    "ConnectionAttempts": "1",
    "ControlMaster": "yes",
    "ControlPersist": "no",
    "EscapeChar": "none",
    "ForkAfterAuthentication": "no",
    "ForwardAgent": "no",
    "ForwardX11": "no",
    "LogLevel": "DEBUG1",
    "NoHostAuthenticationForLocalhost": "no",
    "PermitLocalCommand": "no",
    "RemoteCommand": "none",
    "RequestTTY": "no",
    "ServerAliveCountMax": "3",
    "SessionType": "none",
    "StdinNull": "no",
    "Tunnel": "no",
    "UpdateHostKeys": "no",
    "VerifyHostKeyDNS": "no",
    "VisualHostKey": "no",
}


def arguments(typed: HostString, options: SshOptions, own: Mapping[str, str]) -> Iterator[str]:
    """All but the host. The first value of each option counts, so those of the configuration come last."""
    if options.config:
        yield from ("-F", options.config)
    for key, value in {**ALWAYS, **own}.items():
        yield from ("-o", f"{key}={value}")
    yield from options.options
    for path in (*options.keys, *filter(None, [options.identity])):
        yield from ("-i", os.path.expanduser(path))
    if typed.user:
        yield from ("-l", typed.user)
    if typed.port:
        yield from ("-p", str(typed.port))


def by_itself(typed: HostString, options: SshOptions, depth: int = 0, *, asks: bool = False) -> list[str]:
    """The command line of an `ssh` that needs no one: it asks nothing, and logs in to jump hosts as well.

    The host's key has to be on record. What is to be done there is added before the host, which comes last. If it
    `asks`, each question comes once, to the askpass. Raises ConnectError.
    """
    route = resolve(typed, options.config, options.options)
    own = {
        "BatchMode": "no" if asks else "yes",
        "LogLevel": "ERROR",
        "NumberOfPasswordPrompts": "1",
        "ServerAliveInterval": str(route.alive or KEEPALIVE),
        "StrictHostKeyChecking": "yes",
    }
    jumps = route.jumps if options.jumps is None else options.jumps
    if jumps:
        if depth >= HOPS:
            raise ConnectError(f"{typed.host}: its jump hosts form a loop", Command(f"ssh -G {typed.host}"))
        *before, last = jumps
        theirs = replace(options, identity="", jumps=tuple(before) or None, options=())
        *hop, name = by_itself(last, theirs, depth + 1, asks=asks)
        alone = ("-o", "ControlMaster=no", "-o", "ControlPath=none")  # the first value counts
        words = [hop[0], *alone, *hop[1:-1], "-W", f"{in_url(route.hostname)}:{route.port}", "--", name]
        own |= {"ProxyCommand": shlex.join(words).replace("%", "%%"), "ProxyUseFdpass": "no"}
    elif route.jumps:
        own |= {"ProxyJump": "none"}
    return ["ssh", *arguments(typed, options, own), "--", typed.host]
