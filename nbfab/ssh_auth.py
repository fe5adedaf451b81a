"""Logging in as OpenSSH does: named keys, the agent, the usual keys, then what a person can type."""

import base64
import contextlib
import getpass
import os
import socket
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import paramiko
from paramiko.agent import AgentSSH

from nbfab.errors import ConnectError
from nbfab.report import clean
from nbfab.ssh_hosts import Route

TYPING = 120  # seconds that a person has for a code or a password


@dataclass(frozen=True)
class Login:
    """What was given for logging in: key files (-i), a password and a passphrase; `interactive`: somebody can type."""

    identities: tuple[str, ...] = ()
    password: str = field(default="", repr=False)
    passphrase: str = field(default="", repr=False)
    interactive: bool = False


def authenticate(transport: paramiko.Transport, route: Route, login: Login) -> None:
    """Logs in. Raises ConnectError, which names what the host would have taken."""
    tried: list[str] = []
    typing = login.interactive and not route.batch
    try:
        for key in _keys(route, login, typing, tried):
            try:
                more = transport.auth_publickey(route.user, key)
            except paramiko.BadAuthenticationType as error:
                more = error.allowed_types
            except paramiko.AuthenticationException:
                if not transport.is_active():
                    raise
                continue
            if not more or _typed(transport, route, login, typing, more):
                return
            break
        else:
            if _typed(transport, route, login, typing, _offered(transport, route)):
                return
    except paramiko.AuthenticationException as error:
        if transport.is_authenticated():
            return
        tried.append(clean(str(error)).strip().rstrip("."))
    except paramiko.SSHException as error:
        tried.append(clean(str(error)))
    allowed = ",".join(_offered(transport, route)) if transport.is_active() else "it hung up"
    encrypted = [words for words in tried if words.endswith("is encrypted")]
    hint = f"ssh-add {encrypted[0].split()[0]}" if encrypted else f"ssh -v {route.typed_for_ssh} true"
    raise ConnectError(f"{route.user}: permission denied ({allowed}){''.join(f'; {words}' for words in tried)}", hint)


def _offered(transport: paramiko.Transport, route: Route) -> Sequence[str]:
    """The ways to log in that the host offers (RFC 4252, 5.2)."""
    try:
        transport.auth_none(route.user)
    except paramiko.BadAuthenticationType as error:
        return list(error.allowed_types)
    except paramiko.SSHException:
        pass
    return []


def _typed(transport: paramiko.Transport, route: Route, login: Login, typing: bool, ways: Sequence[str]) -> bool:
    """Whether a password or a code did it, where the host takes one and there is one, or somebody to type it."""
    if transport.is_authenticated():
        return True
    if not typing and not login.password:
        return False
    transport.auth_timeout = TYPING
    if "keyboard-interactive" in ways:

        def answer(title: str, instructions: str, prompts: list[tuple[str, bool]]) -> list[str]:
            return _answers(title, instructions, prompts, login, typing)

        with contextlib.suppress(paramiko.AuthenticationException):
            return not transport.auth_interactive(route.user, answer)
    if "password" in ways:
        password = login.password or getpass.getpass(f"{route.user}@{route.hostname}'s password: ")
        return not transport.auth_password(route.user, password, fallback=False)
    return False


def _answers(
    title: str, instructions: str, prompts: Iterable[tuple[str, bool]], login: Login, typing: bool
) -> list[str]:
    """Answers to what a host asks; without an echo, unless the host says that it may be seen."""
    for line in (title, instructions):
        if line.strip() and typing:
            print(clean(line.strip()), file=sys.stderr)
    answers = []
    for prompt, echo in prompts:
        if login.password and not echo and "password" in prompt.lower():
            answers.append(login.password)
        elif not typing:
            answers.append("")
        else:
            answers.append(input(clean(prompt)) if echo else getpass.getpass(clean(prompt)))
    return answers


def _keys(route: Route, login: Login, typing: bool, tried: list[str]) -> Iterator[paramiko.PKey]:
    """Keys in the order in which to try them.

    Those that were named come first, or an agent full of others would use up the tries that the host allows. A key
    file whose key the agent holds is the agent's to use. Encrypted ones come last, since somebody has to type.
    """
    agent = list(_agent_keys(route))
    files = [os.path.expanduser(path) for path in login.identities]
    named = [*files, *(() if route.defaults else route.identities)]
    usual = [path for path in route.identities if route.defaults]
    locked: list[str] = []
    used: set[bytes] = set()

    def from_files(paths: Iterable[str]) -> Iterator[paramiko.PKey]:
        for path in paths:
            held = [key for key in agent if key.asbytes() == _public(path)]
            loaded = held or _load(path, login.passphrase, locked, tried)
            for key in loaded:
                if key.asbytes() not in used:
                    used.add(key.asbytes())
                    yield from _with_certificate(key, path, route)

    yield from from_files(named)
    if not route.identities_only:
        yield from (key for key in agent if key.asbytes() not in used)
    yield from from_files(usual)
    for path in dict.fromkeys(locked):
        if not typing:
            tried.append(f"{path} is encrypted")
            continue
        phrase = getpass.getpass(f"Passphrase for {path}: ")
        yield from _load(path, phrase, [], tried)


def _agent_keys(route: Route) -> Iterator[paramiko.PKey]:
    if not route.agent:
        return
    with contextlib.suppress(paramiko.SSHException, OSError):
        yield from _Agent(route.agent).get_keys()


class _Agent(AgentSSH):
    """The agent at a socket that IdentityAgent may name; paramiko's own knows the environment's only."""

    def __init__(self, path: str) -> None:
        super().__init__()
        link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        link.connect(path)
        self._connect(link)  # type: ignore[attr-defined] # the stubs leave it out


def _public(path: str) -> bytes | None:
    try:
        with open(f"{path}.pub", encoding="utf-8") as file:
            return base64.b64decode(file.read().split()[1])
    except (OSError, ValueError, IndexError):
        return None


def _load(path: str, passphrase: str, locked: list[str], tried: list[str]) -> list[paramiko.PKey]:
    if not os.path.isfile(path):
        return []
    reason = ""
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return [kind.from_private_key_file(path, passphrase or None)]
        except paramiko.PasswordRequiredException:
            locked.append(path)
            return []
        except (paramiko.SSHException, ValueError, OSError) as error:
            reason = clean(str(error)) or type(error).__name__
    tried.append(f"{path} cannot be used ({reason})")
    return []


def _with_certificate(key: paramiko.PKey, path: str, route: Route) -> Iterator[paramiko.PKey]:
    """The key with the user's certificate for it, where there is one, and else as it is."""
    for certificate in (*route.certificates, f"{path}-cert.pub"):
        if os.path.isfile(certificate) and key.public_blob is None:
            with contextlib.suppress(ValueError, OSError):
                key.load_certificate(certificate)
    yield key
