"""Logging in as OpenSSH does: named keys, the agent, the usual keys, then what a person can type."""

import base64
import contextlib
import copy
import getpass
import io
import os
import shlex
import socket
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import paramiko
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from paramiko.agent import AgentSSH

from nbfab.errors import ConnectError
from nbfab.report import clean
from nbfab.ssh_hosts import Route

TRIES = 3  # for a passphrase, as OpenSSH gives
_ENCRYPTED = " is encrypted"
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
    try:
        if _logged_in(transport, route, login, tried):
            return
    except paramiko.AuthenticationException as error:
        if transport.is_authenticated():
            return
        if _is_late(error):
            transport.close()  # what is answered later would be taken for the answer to something else
            raise ConnectError(
                f"{route.user}: no answer to the login within {transport.auth_timeout:.0f} seconds",
                f"ssh -v {route.typed_for_ssh} true",
            ) from None
        tried.append(clean(str(error)).strip().rstrip("."))
    except TimeoutError:
        tried.append(f"the agent did not answer within {TYPING} seconds")
    except (paramiko.SSHException, EOFError, OSError) as error:
        tried.append(clean(str(error)) or "it hung up")
    allowed = ",".join(_offered(transport, route)) if transport.is_active() else "it hung up"
    encrypted = [words.removesuffix(_ENCRYPTED) for words in tried if words.endswith(_ENCRYPTED)]
    hint = f"ssh-add {shlex.quote(encrypted[0])}" if encrypted else f"ssh -v {route.typed_for_ssh} true"
    raise ConnectError(f"{route.user}: permission denied ({allowed}){''.join(f'; {words}' for words in tried)}", hint)


def _logged_in(transport: paramiko.Transport, route: Route, login: Login, tried: list[str]) -> bool:
    """Whether one of the ways did it, or one after the other where the host wants several."""
    typing = login.interactive and not route.batch
    keys = _keys(route, login, typing, tried)
    left = [way for way in route.ways if way == "publickey" or typing or login.password]
    # Keys are shown unasked, which saves a round trip.
    allowed = left[:1] if left[:1] == ["publickey"] else _offered(transport, route)
    while way := next((way for way in left if way in allowed), None):
        if way == "publickey":
            more = _by_key(transport, route, keys, tried)
        else:
            more = _by_typing(transport, route, login, typing, way, tried)
        if transport.is_authenticated():
            return True
        if more is None or way != "publickey":  # there may be a second key to show, but no second password
            left.remove(way)
        allowed = _offered(transport, route) if more is None else more
    return transport.is_authenticated()


def _is_late(error: paramiko.SSHException) -> bool:
    """Whether there was no answer in time; paramiko has no class of its own for that."""
    return isinstance(error, paramiko.AuthenticationException) and "timeout" in str(error)


def _by_key(
    transport: paramiko.Transport, route: Route, keys: Iterator[paramiko.PKey], tried: list[str]
) -> Sequence[str] | None:
    """Shows keys until the host takes one: what it wants besides; None if it takes none."""
    for key in keys:
        try:
            return transport.auth_publickey(route.user, key)
        except paramiko.BadAuthenticationType as error:
            return error.allowed_types
        except paramiko.AuthenticationException as error:
            if not transport.is_active() or _is_late(error):
                raise
        except paramiko.SSHException as error:  # an agent that was not allowed to sign with it
            if not transport.is_active():
                raise
            tried.append(f"{key.get_name()} {key.fingerprint}: {clean(str(error))}")
    return None


def _by_typing(
    transport: paramiko.Transport, route: Route, login: Login, typing: bool, way: str, tried: list[str]
) -> Sequence[str] | None:
    """Gives a password or a code: what the host wants besides; None if it does not take it, or there is none."""
    transport.auth_timeout = TYPING

    def answer(title: str, instructions: str, prompts: list[tuple[str, bool]]) -> list[str]:
        return _answers(title, instructions, prompts, login, typing)

    try:
        if way == "keyboard-interactive":
            return transport.auth_interactive(route.user, answer)
        password = login.password or _ask(f"{route.user}@{route.hostname}'s password: ")
        return None if password is None else transport.auth_password(route.user, password, fallback=False)
    except paramiko.AuthenticationException as error:
        if not transport.is_active() or _is_late(error):
            raise
        if way == "password":
            tried.append(clean(str(error)).strip().rstrip("."))
    return None


def _offered(transport: paramiko.Transport, route: Route) -> Sequence[str]:
    """The ways to log in that the host offers (RFC 4252, 5.2)."""
    try:
        transport.auth_none(route.user)
    except paramiko.BadAuthenticationType as error:
        return list(error.allowed_types)
    except paramiko.SSHException as error:
        if _is_late(error):
            raise
    return []


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
            answers.append(_ask(clean(prompt), echo) or "")
    return answers


def _ask(prompt: str, echo: bool = False) -> str | None:
    """What a person types; None at the end of input. The prompt stays off standard output, which --json writes to."""
    if not echo:
        try:
            return getpass.getpass(prompt)
        except EOFError:
            return None
    print(prompt, end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    return line.rstrip("\n") if line else None


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

    def held(path: str) -> list[paramiko.PKey]:
        public = _public(path)
        return [key for key in agent if key.asbytes() == public]

    def from_file(path: str, phrases: Iterable[str]) -> list[paramiko.PKey]:
        try:
            key = _load(path, phrases)
        except ValueError as error:
            tried.append(f"{path} cannot be used ({error})")
            return []
        if key is None:
            locked.append(path)
        return [key] if key else []

    def certified(keys: Iterable[paramiko.PKey], *certificates: str) -> Iterator[paramiko.PKey]:
        for key in keys:
            if key.asbytes() not in used:
                used.add(key.asbytes())
                yield from _with_certificate(key, (*route.certificates, *certificates))

    def from_files(paths: Iterable[str], phrases: Callable[[str], Iterable[str]]) -> Iterator[paramiko.PKey]:
        for path in paths:
            keys = held(path) or (from_file(path, phrases(path)) if os.path.isfile(path) else [])
            yield from certified(keys, f"{path.removesuffix('.pub')}-cert.pub")

    def given(path: str) -> Iterable[str]:
        return [login.passphrase] if login.passphrase else []

    yield from from_files(named, given)
    yield from from_files([path for path in usual if held(path)], given)
    if not route.identities_only:
        yield from certified(agent)
    yield from from_files(usual, given)
    if typing:
        encrypted, locked = list(dict.fromkeys(locked)), []
        yield from from_files(encrypted, _phrases)
    tried += [f"{path}{_ENCRYPTED}" for path in dict.fromkeys(locked)]


def _phrases(path: str) -> Iterator[str]:
    """What a person types to decrypt a key; nothing at all passes it over, as with OpenSSH."""
    for _ in range(TRIES):
        phrase = _ask(f"Passphrase for {path}: ")
        if not phrase:
            return
        yield phrase


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
        link.settimeout(TYPING)  # it may ask somebody
        link.connect(path)
        self._connect(link)  # type: ignore[attr-defined] # the stubs leave it out


def _public(path: str) -> bytes | None:
    """The public key to a file that is named for logging in: what it holds itself, or what lies beside it."""
    for file in (path, f"{path}.pub"):
        with contextlib.suppress(OSError, ValueError, IndexError), open(file, encoding="utf-8") as stream:
            kind, text = stream.read().split()[:2]
            blob = base64.b64decode(text)
            if paramiko.Message(blob).get_text() == kind:
                return blob
    return None


def _load(path: str, phrases: Iterable[str]) -> paramiko.PKey | None:
    """The private key in a file; None if it is encrypted, and not with one of the passphrases.

    Raises ValueError, with the reason, for one that cannot be used.
    """
    try:
        with open(path, "rb") as file:
            data = file.read()
        if b"PRIVATE KEY-----" not in data:
            raise ValueError("it is no private key, and no agent has one for it")
        load = serialization.load_ssh_private_key if b"BEGIN OPENSSH" in data else serialization.load_pem_private_key
        with contextlib.suppress(TypeError):  # that it is encrypted
            return _for_paramiko(load(data, None))
        for phrase in phrases:
            with contextlib.suppress(ValueError):  # that it is another passphrase
                return _for_paramiko(load(data, phrase.encode()))
    except Exception as error:  # whatever a library makes of a broken file
        raise ValueError(clean(getattr(error, "strerror", "") or str(error) or type(error).__name__)) from None
    return None


def _for_paramiko(key: Any) -> paramiko.PKey:
    """A key of cryptography's as one of paramiko's, which knows fewer forms of files."""
    kinds: dict[type, type[paramiko.PKey]] = {
        ed25519.Ed25519PrivateKey: paramiko.Ed25519Key,
        ec.EllipticCurvePrivateKey: paramiko.ECDSAKey,
        rsa.RSAPrivateKey: paramiko.RSAKey,
    }
    kind = next((ours for theirs, ours in kinds.items() if isinstance(key, theirs)), None)
    if kind is None:
        raise paramiko.SSHException("keys of its type are not supported")
    plain = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    return kind.from_private_key(io.StringIO(plain.decode()))


def _with_certificate(key: paramiko.PKey, certificates: Iterable[str]) -> Iterator[paramiko.PKey]:
    """The key with each certificate that is for it, then as it is: the host may trust either."""
    for file in dict.fromkeys(certificates):
        # A key of its own, since it is changed by its certificate; an agent's cannot be copied.
        other = paramiko.AgentKey(key.agent, key.blob) if isinstance(key, paramiko.AgentKey) else copy.copy(key)
        with contextlib.suppress(ValueError, OSError):
            other.load_certificate(file)
        if other.public_blob is not None and _certifies(other.public_blob.key_blob, key.asbytes()):
            yield other
    yield key


def _certifies(certificate: bytes, key: bytes) -> bool:
    """Whether a certificate is for a key: behind its type and a nonce come the fields of that (PROTOCOL.certkeys)."""
    fields, certified = paramiko.Message(key), paramiko.Message(certificate)
    fields.get_string()
    certified.get_string()
    certified.get_string()
    return certified.get_remainder().startswith(fields.get_remainder())
