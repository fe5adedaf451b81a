"""Route: how to reach a host, according to OpenSSH's own configuration."""

import os
import pwd
import re
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from nbfab.errors import ConnectError, HostStringError
from nbfab.names import HostString, parse_jump

SSH_G = 30  # seconds for `ssh -G`, which may run commands of `Match exec`

# Authentication methods in OpenSSH's order, and the option that turns each of them off.
METHODS = {
    "publickey": "pubkeyauthentication",
    "keyboard-interactive": "kbdinteractiveauthentication",
    "password": "passwordauthentication",
}


@dataclass(frozen=True)
class Route:
    """How OpenSSH would reach a host (ssh_config(5)); `typed` is what was typed.

    Paths are absolute. `jumps` are in the order of travel; `defaults` is whether the `identities` are only those that
    OpenSSH tries by default. `methods` are those of authentication, in the order in which to try them. `key_algorithms`
    are those of host keys; empty means all. `family` is any, inet or inet6. `config` is the file that replaced
    ssh_config.
    """

    typed: HostString
    hostname: str
    user: str
    port: int
    alias: str = ""
    jumps: tuple[HostString, ...] = ()
    proxy_command: str = ""
    identities: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()
    defaults: bool = True
    identities_only: bool = False
    agent: str = ""
    methods: tuple[str, ...] = tuple(METHODS)
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
        """The arguments with which `ssh` reaches the same host; it takes the port as an option."""
        user, host, port = self.typed
        config = f"-F {shlex.quote(self.config)} " if self.config else ""
        return f"{config}{f'-p {port} ' if port else ''}{f'{user}@' if user else ''}{host}"


def resolve(typed: HostString, config: str = "", options: Sequence[str] = ()) -> Route:
    """The route to a host according to `ssh -G`, with those `options`. `config` replaces ssh_config, as with `ssh -F`.

    Raises ConnectError with OpenSSH's own message.
    """
    command = ["ssh", "-G", *options]
    command += ["-F", config] if config else []
    command += ["-l", typed.user] if typed.user else []
    command += ["-p", str(typed.port)] if typed.port else []
    try:
        answer = subprocess.run(
            [*command, "--", typed.host],
            capture_output=True,
            text=True,
            errors="surrogateescape",  # as in the file names that it prints
            stdin=subprocess.DEVNULL,
            timeout=SSH_G,
            check=False,
        )
    except FileNotFoundError:
        raise ConnectError("ssh is not installed on this machine", "install the OpenSSH client") from None
    except subprocess.TimeoutExpired:
        raise ConnectError(
            f"ssh -G {typed.host} took more than {SSH_G} seconds", "check Match exec in ssh_config"
        ) from None
    if answer.returncode:
        words = (answer.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise ConnectError(f"ssh_config: {_shown(words)}", f"ssh -G {typed.host}")
    try:
        route = replace(parse_route(typed, answer.stdout), config=config)
    except HostStringError as error:
        raise ConnectError(f"ssh_config: ProxyJump: {error}", f"ssh -G {typed.host}") from None
    for word in (route.hostname, route.user, route.alias):
        if word != _shown(word):
            raise ConnectError(f"ssh_config: {_shown(word)!r} is not UTF-8", f"ssh -G {typed.host}")
    return route


def _shown(words: str) -> str:
    """Output of OpenSSH, with a question mark for each byte that is not text."""
    return words.encode(errors="replace").decode()


def parse_route(typed: HostString, printed: str) -> Route:
    """The route in the output of `ssh -G`. Raises HostStringError for an invalid jump host."""
    values: dict[str, list[str]] = {}
    for line in printed.splitlines():
        key, _, value = line.partition(" ")
        # For an agent, `none` is not the same as nothing: it rules out that of the environment, too.
        if value and (value != "none" or key == "identityagent"):
            values.setdefault(key, []).append(value)

    def one(key: str, default: str = "") -> str:
        return values.get(key, [default])[0]

    tokens = _tokens(one("hostname"), one("user"), one("port", "22"), typed.host)

    for_proxy = {key: tokens[key] for key in "%hnpr"}

    def files(key: str) -> tuple[str, ...]:
        return tuple(_expand(value, tokens) for value in values.get(key, ()))

    user_files = _paths(one("userknownhostsfile"), tokens)
    home_files = {f"~/.ssh/id_{kind}" for kind in ("rsa", "ecdsa", "ecdsa_sk", "ed25519", "ed25519_sk", "xmss", "dsa")}
    timeout, alive = one("connecttimeout"), one("serveraliveinterval", "0")
    methods = dict.fromkeys(one("preferredauthentications", ",".join(METHODS)).split(","))
    return Route(
        typed,
        one("hostname"),
        one("user"),
        int(one("port", "22")),
        alias=one("hostkeyalias"),
        jumps=tuple(parse_jump(_percent(hop, for_proxy)) for hop in one("proxyjump").split(",") if hop),
        proxy_command=_percent(one("proxycommand"), for_proxy),
        identities=files("identityfile"),
        certificates=files("certificatefile"),
        defaults=set(values.get("identityfile", ())) <= home_files,
        identities_only=one("identitiesonly") == "yes",
        agent=_agent(one("identityagent", "SSH_AUTH_SOCK"), tokens),
        methods=tuple(name for name in methods if name in METHODS and one(METHODS[name]) not in ("no", "false")),
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
    """The socket that IdentityAgent names: `none`, a path, `SSH_AUTH_SOCK`, or `$` and another variable."""
    if given == "none":
        return ""
    if given == "SSH_AUTH_SOCK" or re.fullmatch(r"\$\w+", given):
        return os.environ.get(given.removeprefix("$"), "")
    return _expand(given, tokens)


def _tokens(hostname: str, user: str, port: str, typed: str) -> Mapping[str, str]:
    """The values of what ssh_config(5) calls TOKENS."""
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
    # OpenSSH takes the home folder from the user database, not from HOME.
    if path.startswith("~/"):
        path = "%d" + path[1:]
    path = re.sub(r"\$\{(\w+)\}", lambda match: os.environ.get(match[1], match[0]), path)
    return os.path.expanduser(_percent(path, tokens))


def _paths(text: str, tokens: Mapping[str, str]) -> tuple[str, ...]:
    """The paths of a list. `ssh -G` does not quote paths with spaces, so the longest that exists is taken."""
    words, found = text.split(" "), []
    while words and words != [""]:
        size = next((n for n in range(len(words), 1, -1) if os.path.exists(_expand(" ".join(words[:n]), tokens))), 1)
        found.append(_expand(" ".join(words[:size]), tokens))
        words = words[size:]
    return tuple(found)


def known_names(route: Route) -> Sequence[str]:
    """The names that OpenSSH looks up a host's key by (sshconnect.c); the second can only confirm a key."""
    if route.alias:
        return (route.alias.lower(),)
    name = route.hostname.lower()
    return (name,) if route.port == 22 else (f"[{name}]:{route.port}", name)
