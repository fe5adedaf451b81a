"""Route: how to reach a host, according to OpenSSH's own configuration."""

import hashlib
import os
import pwd
import re
import shlex
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from functools import cache

from nbfab.errors import ConnectError, HostStringError
from nbfab.fix import Command
from nbfab.names import HostString, parse_jump
from nbfab.records import dataclass
from nbfab.ssh.client import how_to_install

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
    are those of host keys, `accepted_keys` those of keys to log in with; `rsa_size` is the least size of an RSA key, in
    bits. An empty list of algorithms means all. `check_address` is whether the address has to agree with the host's
    key; `fdpass` whether ProxyCommand passes a socket. `family` is any, inet or inet6. `config` is the file that
    replaced ssh_config. `values` are all that `ssh -G` prints, by their names in lower case, except `none`.
    """

    typed: HostString
    hostname: str
    user: str
    port: int
    alias: str = ""
    jumps: tuple[HostString, ...] = ()
    proxy_command: str = ""
    fdpass: bool = False
    identities: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()
    defaults: bool = True
    identities_only: bool = False
    agent: str = ""
    methods: tuple[str, ...] = tuple(METHODS)
    key_algorithms: tuple[str, ...] = ()
    accepted_keys: tuple[str, ...] = ()
    kex: tuple[str, ...] = ()
    ciphers: tuple[str, ...] = ()
    macs: tuple[str, ...] = ()
    rsa_size: int = 0
    check_address: bool = False
    known_hosts_command: str = ""
    pkcs11: str = ""
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
    bind_interface: str = ""
    config: str = ""
    values: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False, compare=False)

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
        raise ConnectError("ssh is not installed on this machine", how_to_install()) from None
    except subprocess.TimeoutExpired:
        raise ConnectError(
            f"ssh -G {typed.host} took more than {SSH_G} seconds", "check Match exec in ssh_config"
        ) from None
    if answer.returncode:
        raise _refusal(typed, answer.stderr)
    try:
        route = replace(parse_route(typed, answer.stdout), config=config)
    except HostStringError as error:
        raise ConnectError(f"ssh_config: ProxyJump: {error}", Command(f"ssh -G {typed.host}")) from None
    for word in (route.hostname, route.user, route.alias):
        if word != _shown(word):
            raise ConnectError(f"ssh_config: {_shown(word)!r} is not UTF-8", Command(f"ssh -G {typed.host}"))
    return route


@cache
def usual_key_algorithms() -> tuple[str, ...]:
    """The HostKeyAlgorithms of an OpenSSH that is not told any; empty if it does not say."""
    command = ["ssh", "-F", "none", "-G", "--", "localhost"]
    asked = subprocess.run(
        command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=SSH_G, check=False
    )
    found = re.search(r"^hostkeyalgorithms (\S+)$", asked.stdout, re.MULTILINE)
    return tuple(found[1].split(",")) if found else ()


def _refusal(typed: HostString, printed: str) -> ConnectError:
    """Why OpenSSH rejects ssh_config, in its lines that name a file and a line; the last only counts those."""
    lines = [_shown(line) for line in printed.splitlines() if line.strip()]
    named = [line for line in lines if re.search(r" line \d+: ", line)] or lines[-1:] or ["no reason given"]
    options = dict.fromkeys(re.findall(r"line \d+: Bad configuration option: (\S+)", "\n".join(named)))
    ignore = f"correct it, or put above it: IgnoreUnknown {','.join(options)}"
    fix = ignore if options else Command(f"ssh -G {typed.host}")
    return ConnectError(f"ssh_config: {'; '.join(named[:3])}", fix)


def _shown(words: str) -> str:
    """Output of OpenSSH, with a question mark for each byte that is not text."""
    return words.encode(errors="replace").decode()


def parse_route(typed: HostString, printed: str) -> Route:
    """The route in the output of `ssh -G`.

    Raises HostStringError for an invalid jump host, and ConnectError for a token that OpenSSH does not know.
    """
    values: dict[str, list[str]] = {}
    for line in printed.splitlines():
        key, _, value = line.partition(" ")
        # For an agent, `none` is not the same as nothing: it rules out that of the environment, too.
        if value and (value != "none" or key == "identityagent"):
            values.setdefault(key, []).append(value)

    def one(key: str, default: str = "") -> str:
        return values.get(key, [default])[0]

    def several(key: str) -> tuple[str, ...]:
        return tuple(filter(None, one(key).split(",")))

    for_proxy = {"%": "%", "h": one("hostname"), "n": typed.host, "p": one("port", "22"), "r": one("user")}
    jumps = tuple(parse_jump(_percent(hop, for_proxy)) for hop in one("proxyjump").split(",") if hop)
    tokens = _tokens(for_proxy, one("hostkeyalias"), jumps[-1].host if jumps else "")

    def files(key: str) -> tuple[str, ...]:
        return tuple(_expand(value, tokens) for value in values.get(key, ()))

    user_files = _paths(one("userknownhostsfile"), {})  # `ssh -G` has expanded its tokens; the other has none
    home_files = {f"~/.ssh/id_{kind}" for kind in ("rsa", "ecdsa", "ecdsa_sk", "ed25519", "ed25519_sk", "xmss", "dsa")}
    timeout, alive = one("connecttimeout"), one("serveraliveinterval", "0")
    methods = dict.fromkeys(one("preferredauthentications", ",".join(METHODS)).split(","))
    return Route(
        typed,
        one("hostname"),
        one("user"),
        int(one("port", "22")),
        alias=one("hostkeyalias"),
        jumps=jumps,
        proxy_command=_percent(one("proxycommand"), for_proxy),
        fdpass=one("proxyusefdpass") == "yes",
        identities=files("identityfile"),
        certificates=files("certificatefile"),
        defaults=set(values.get("identityfile", ())) <= home_files,
        identities_only=one("identitiesonly") == "yes",
        agent=_agent(one("identityagent", "SSH_AUTH_SOCK"), tokens),
        methods=tuple(name for name in methods if name in METHODS and one(METHODS[name]) not in ("no", "false")),
        key_algorithms=several("hostkeyalgorithms"),
        accepted_keys=several("pubkeyacceptedalgorithms") or several("pubkeyacceptedkeytypes"),  # before OpenSSH 8.5
        kex=several("kexalgorithms"),
        ciphers=several("ciphers"),
        macs=several("macs"),
        rsa_size=int(one("requiredrsasize", "1024")),
        check_address=one("checkhostip") == "yes",
        known_hosts_command=one("knownhostscommand"),
        pkcs11=one("pkcs11provider"),
        revoked=_paths(one("revokedhostkeys"), tokens),
        known_hosts=(*user_files, *_paths(one("globalknownhostsfile"), {})),
        user_known_hosts=user_files[0] if user_files else "",
        hash_known_hosts=one("hashknownhosts") == "yes",
        accept_new=one("stricthostkeychecking") == "accept-new",
        batch=one("batchmode") == "yes",
        timeout=float(timeout) if timeout.isdigit() and timeout != "0" else None,
        alive=int(alive) if alive.isdigit() else 0,
        family=one("addressfamily", "any"),
        bind_address=one("bindaddress"),
        bind_interface=one("bindinterface"),
        values=values,
    )


def _agent(given: str, tokens: Mapping[str, str]) -> str:
    """The socket that IdentityAgent names: `none`, a path, `SSH_AUTH_SOCK`, or `$` and another variable."""
    if given == "none":
        return ""
    if given == "SSH_AUTH_SOCK" or re.fullmatch(r"\$\w+", given):
        return os.environ.get(given.removeprefix("$"), "")
    return _expand(given, tokens)


def _tokens(basic: Mapping[str, str], alias: str, jump: str) -> Mapping[str, str]:
    """The values of what ssh_config(5) calls TOKENS, beside those that ProxyJump may have too."""
    me, here = pwd.getpwuid(os.getuid()), socket.gethostname()
    hashed = [here, basic["h"], basic["p"], basic["r"]]
    if jump and _hashes_jump():
        hashed.append(jump)
    return {
        **basic,
        "C": hashlib.sha1("".join(hashed).encode(errors="surrogateescape"), usedforsecurity=False).hexdigest(),
        "d": me.pw_dir,
        "i": str(me.pw_uid),
        "j": jump,
        "k": alias or basic["n"],
        "L": here.split(".")[0],
        "l": here,
        "u": me.pw_name,
    }


@cache
def _hashes_jump() -> bool:
    """Whether the hash `%C` covers the jump host, as it does since OpenSSH 9.6."""
    said = subprocess.run(["ssh", "-V"], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False).stderr
    version = re.match(r"OpenSSH_(\d+)\.(\d+)", said)
    return version is not None and (int(version[1]), int(version[2])) >= (9, 6)


def _percent(text: str, tokens: Mapping[str, str]) -> str:
    return re.sub(r"%(.)", lambda match: tokens.get(match[1], match[0]), text)


def _expand(path: str, tokens: Mapping[str, str]) -> str:
    """A path of ssh_config, with tokens and variables; without `tokens`, only with a home folder.

    Raises ConnectError where OpenSSH ends: a name that is not known is no path.
    """
    # OpenSSH takes the home folder from the user database, not from HOME.
    home = pwd.getpwuid(os.getuid()).pw_dir
    path = home + path[1:] if path.startswith("~/") else os.path.expanduser(path)
    if not tokens:
        return path

    def value(match: re.Match[str]) -> str:
        found = os.environ.get(match[2]) if match[2] else tokens.get(match[1])
        if found is None:
            raise ConnectError(f"ssh_config: {path}: {match[0]} has no value", "see TOKENS in ssh_config(5)")
        return found

    return re.sub(r"%(.)|\$\{(\w+)\}", value, path)


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
