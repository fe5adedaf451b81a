"""Host strings, and what OpenSSH's own configuration says of a host."""

import os
import pwd
import re
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from nbfab.errors import ConnectError, HostStringError

SSH_G = 30  # seconds for `ssh -G`, which may run the commands of a `Match exec`

# The ways to log in, in OpenSSH's order, and what switches each of them off.
WAYS = {
    "publickey": "pubkeyauthentication",
    "keyboard-interactive": "kbdinteractiveauthentication",
    "password": "passwordauthentication",
}

_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+\\-]*")
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?\.?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(%[A-Za-z0-9._-]+)?")


class HostString(NamedTuple):
    """A host as it is typed: `[user@]host[:port]`; None where a part is left to ssh_config."""

    user: str | None
    host: str
    port: int | None


def parse_host(text: str) -> HostString:
    """Parts of `[user@]host[:port]`, with an IPv6 address bare, or in brackets before a port.

    Nothing that ssh could take for an option, or a shell for more than a word, gets through. Raises HostStringError.
    """
    user, at, rest = text.rpartition("@")
    hint = "write it as [user@]host[:port]"
    if at and ":" in user:
        raise HostStringError(
            "a password has no place in a host's name", "leave it out; ssh asks, or better: use a key"
        )
    if at and not _USER.fullmatch(user):
        raise HostStringError(f"{user[:60]!r} is no user's name for ssh", hint)
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::(.*))?", rest)
    if bracketed:
        host, port = bracketed[1], bracketed[2]
    elif rest.count(":") == 1:
        host, _, port = rest.partition(":")
    else:
        host, port = rest, None
    if not _HOST.fullmatch(host) or len(host) > 253:
        raise HostStringError(f"{host[:60]!r} is no host's name", hint)
    if port is not None and not (re.fullmatch(r"[1-9][0-9]{0,4}", port) and int(port) < 65536):
        raise HostStringError(f"{port[:60]!r} is no port of {host}", "a port is a whole number from 1 to 65535")
    return HostString(user if at else None, host, None if port is None else int(port))


def split_hosts(text: str) -> list[str]:
    """The hosts of `-H a,b`, each once, as they were typed. Raises HostStringError, also where there is none at all."""
    parts = [part.strip() for part in text.split(",")]
    if not all(parts):
        raise HostStringError(
            "-H names no host" if not any(parts) else f"-H {text!r} names an empty host", "is a variable empty?"
        )
    for part in parts:
        parse_host(part)
    return list(dict.fromkeys(parts))


@dataclass(frozen=True)
class Route:
    """How OpenSSH would reach a host (ssh_config(5)); `typed` is what the person wrote.

    Files are absolute. `jumps` come in the order in which they are passed through; `defaults` is whether the
    `identities` are no more than those that OpenSSH tries unasked. `ways` are those to log in, in the order in which to
    try them, `key_algorithms` those of host keys, all where it is empty. `family` is any, inet or inet6. `config` is
    the file that stood in for ssh_config.
    """

    typed: str
    hostname: str
    user: str
    port: int
    alias: str = ""
    jumps: tuple[str, ...] = ()
    proxy_command: str = ""
    identities: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()
    defaults: bool = True
    identities_only: bool = False
    agent: str = ""
    ways: tuple[str, ...] = tuple(WAYS)
    key_algorithms: tuple[str, ...] = ()
    revoked: tuple[str, ...] = ()
    known_hosts: tuple[str, ...] = ()
    user_known_hosts: str = ""
    hash_known_hosts: bool = False
    accept_new: bool = False
    batch: bool = False
    timeout: float | None = None
    alive: int = 0
    family: str = "any"
    bind_address: str = ""
    config: str = ""

    @property
    def typed_for_ssh(self) -> str:
        """What a person gives to `ssh` to reach the same host: a port is an option there."""
        user, host, port = parse_host(self.typed)
        config = f"-F {shlex.quote(self.config)} " if self.config else ""
        return f"{config}{f'-p {port} ' if port else ''}{f'{user}@' if user else ''}{host}"


def resolve(typed: str, config_file: str = "") -> Route:
    """What `ssh -G` says of a host. `config_file` stands in for ssh_config, as `ssh -F` does.

    Raises HostStringError, or ConnectError in OpenSSH's own words.
    """
    parsed = parse_host(typed)
    command = ["ssh", "-G"]
    command += ["-F", config_file] if config_file else []
    command += ["-l", parsed.user] if parsed.user else []
    command += ["-p", str(parsed.port)] if parsed.port else []
    try:
        answer = subprocess.run(
            [*command, "--", parsed.host],
            capture_output=True,
            text=True,
            errors="surrogateescape",  # as in the names of files that it gives
            stdin=subprocess.DEVNULL,
            timeout=SSH_G,
            check=False,
        )
    except FileNotFoundError:
        raise ConnectError("there is no ssh on this machine", "install OpenSSH's client") from None
    except subprocess.TimeoutExpired:
        raise ConnectError(
            f"ssh -G {parsed.host} took over {SSH_G} seconds", "look at Match exec in ssh_config"
        ) from None
    if answer.returncode:
        words = (answer.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise ConnectError(f"ssh_config: {_shown(words)}", f"ssh -G {parsed.host}")
    route = replace(parse_route(typed, answer.stdout), config=config_file)
    for word in (route.hostname, route.user, route.alias):
        if word != _shown(word):
            raise ConnectError(f"ssh_config: {_shown(word)!r} is no UTF-8", f"ssh -G {parsed.host}")
    return route


def _shown(words: str) -> str:
    """Words of OpenSSH with a question mark for each byte that is no text."""
    return words.encode(errors="replace").decode()


def parse_route(typed: str, said: str) -> Route:
    """The route that the lines of `ssh -G` describe."""
    values: dict[str, list[str]] = {}
    for line in said.splitlines():
        key, _, value = line.partition(" ")
        # Of an agent `none` says more than nothing: not the one of the environment either.
        if value and (value != "none" or key == "identityagent"):
            values.setdefault(key, []).append(value)

    def one(key: str, default: str = "") -> str:
        return values.get(key, [default])[0]

    tokens = _tokens(one("hostname"), one("user"), one("port", "22"), parse_host(typed).host)

    for_proxy = {key: tokens[key] for key in "%hnpr"}

    def files(key: str) -> tuple[str, ...]:
        return tuple(_expand(value, tokens) for value in values.get(key, ()))

    user_files = _paths(one("userknownhostsfile"), tokens)
    home_files = {f"~/.ssh/id_{kind}" for kind in ("rsa", "ecdsa", "ecdsa_sk", "ed25519", "ed25519_sk", "xmss", "dsa")}
    timeout, alive = one("connecttimeout"), one("serveraliveinterval", "0")
    ways = dict.fromkeys(one("preferredauthentications", ",".join(WAYS)).split(","))
    return Route(
        typed,
        one("hostname"),
        one("user"),
        int(one("port", "22")),
        alias=one("hostkeyalias"),
        jumps=tuple(_percent(hop, for_proxy) for hop in one("proxyjump").split(",")) if one("proxyjump") else (),
        proxy_command=_percent(one("proxycommand"), for_proxy),
        identities=files("identityfile"),
        certificates=files("certificatefile"),
        defaults=set(values.get("identityfile", ())) <= home_files,
        identities_only=one("identitiesonly") == "yes",
        agent=_agent(one("identityagent", "SSH_AUTH_SOCK"), tokens),
        ways=tuple(way for way in ways if way in WAYS and one(WAYS[way]) not in ("no", "false")),
        key_algorithms=tuple(filter(None, one("hostkeyalgorithms").split(","))),
        revoked=_paths(one("revokedhostkeys"), tokens),
        known_hosts=(*user_files, *_paths(one("globalknownhostsfile"), tokens)),
        user_known_hosts=user_files[0] if user_files else "",
        hash_known_hosts=one("hashknownhosts") == "yes",
        accept_new=one("stricthostkeychecking") == "accept-new",
        batch=one("batchmode") == "yes",
        timeout=float(timeout) if timeout.isdigit() and timeout != "0" else None,
        alive=int(alive) if alive.isdigit() else 0,
        family=one("addressfamily", "any"),
        bind_address=one("bindaddress"),
    )


def _agent(given: str, tokens: Mapping[str, str]) -> str:
    """The socket that IdentityAgent means: `none`, a path, `SSH_AUTH_SOCK`, or `$` and another variable's name."""
    if given == "none":
        return ""
    if given == "SSH_AUTH_SOCK" or re.fullmatch(r"\$\w+", given):
        return os.environ.get(given.removeprefix("$"), "")
    return _expand(given, tokens)


def _tokens(hostname: str, user: str, port: str, typed: str) -> Mapping[str, str]:
    """What ssh_config(5) calls TOKENS."""
    me = pwd.getpwuid(os.getuid())
    return {
        "%": "%",
        "d": me.pw_dir,
        "h": hostname,
        "i": str(me.pw_uid),
        "n": typed,
        "p": port,
        "r": user,
        "u": me.pw_name,
    }


def _percent(text: str, tokens: Mapping[str, str]) -> str:
    return re.sub(r"%(.)", lambda match: tokens.get(match[1], match[0]), text)


def _expand(path: str, tokens: Mapping[str, str]) -> str:
    # OpenSSH takes the home folder from the user database, whatever HOME says.
    if path.startswith("~/"):
        path = "%d" + path[1:]
    path = re.sub(r"\$\{(\w+)\}", lambda match: os.environ.get(match[1], match[0]), path)
    return os.path.expanduser(_percent(path, tokens))


def _paths(text: str, tokens: Mapping[str, str]) -> tuple[str, ...]:
    """Paths of a list of files; `ssh -G` does not quote those with blanks, so the longest that exists is taken."""
    words, found = text.split(" "), []
    while words and words != [""]:
        size = next((n for n in range(len(words), 1, -1) if os.path.exists(_expand(" ".join(words[:n]), tokens))), 1)
        found.append(_expand(" ".join(words[:size]), tokens))
        words = words[size:]
    return tuple(found)


def jump_text(hop: str) -> str:
    """A hop of ProxyJump as a host string; OpenSSH takes `ssh://` there too."""
    return hop.removeprefix("ssh://").rstrip("/")


def known_names(route: Route) -> Sequence[str]:
    """The names that OpenSSH looks a host's key up by (sshconnect.c); the second can only confirm one."""
    if route.alias:
        return (route.alias.lower(),)
    name = route.hostname.lower()
    return (name,) if route.port == 22 else (f"[{name}]:{route.port}", name)
