"""Logging in as OpenSSH does: named keys, the agent, the default keys, then what the user types."""

import base64
import contextlib
import copy
import io
import os
import shlex
import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import field, replace
from typing import Any, Protocol

import paramiko
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from paramiko.agent import AgentSSH

from nbfab import prompts
from nbfab.errors import Denied, NoLogin
from nbfab.fix import Command
from nbfab.records import dataclass
from nbfab.ssh.host_keys import rsa_bits
from nbfab.ssh.route import Route
from nbfab.text import clean

TRIES = 3  # for what is typed, as OpenSSH gives
TYPING = 120  # seconds to type a code or a password


class Typist(Protocol):
    """Someone who can answer SSH's prompts."""

    def answers(self, prompt: str, *, echo: bool = False) -> str | None:
        """What is typed at a prompt; None at the end of input."""
        ...

    def reads(self, line: str) -> None:
        """Shows a line that stays."""

    def trusts(self, host: str, key: str, command: str) -> bool:
        """Whether a host has that key, which is not on record; `command` shows it there."""
        ...


@dataclass(frozen=True)
class Login:
    """Credentials: key files, a password and a passphrase, and someone who can type others."""

    identities: tuple[str, ...] = ()
    password: str = field(default="", repr=False)
    passphrase: str = field(default="", repr=False)
    typist: Typist | None = None


@dataclass
class _Attempt:
    """Why an attempt to log in failed: a reason for each method, what was shown, and the keys that stayed encrypted."""

    reasons: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    encrypted: list[str] = field(default_factory=list)


def authenticate(transport: paramiko.Transport, route: Route, login: Login) -> None:
    """Logs in. Raises ConnectError, which names the methods that the host accepts."""
    tried = _Attempt()
    try:
        if _logged_in(transport, route, login, tried):
            return
    except paramiko.AuthenticationException as error:
        if transport.is_authenticated():
            return
        if _is_late(error):
            transport.close()  # a late answer would be taken for the answer to something else
            raise NoLogin(
                f"{route.user}: no answer to the login within {transport.auth_timeout:.0f} seconds",
                Command(f"ssh -v {route.typed_for_ssh} true"),
            ) from None
        tried.reasons.append(clean(str(error)).strip().rstrip("."))
    except TimeoutError:
        tried.reasons.append(f"the agent did not answer within {TYPING} seconds")
    except (paramiko.SSHException, EOFError, OSError) as error:
        tried.reasons.append(clean(str(error)) or "it hung up")
    allowed = _accepted(transport, route)
    reasons = "".join(f"; {words}" for words in [*tried.reasons, *(f"{key} is encrypted" for key in tried.encrypted)])
    fix = f"ssh-add {shlex.quote(tried.encrypted[0])}" if tried.encrypted else f"ssh -v {route.typed_for_ssh} true"
    raise Denied(
        f"{route.user}: permission denied ({allowed}){reasons}", Command(fix), offered=allowed, tried=tuple(tried.shown)
    )


def _logged_in(transport: paramiko.Transport, route: Route, login: Login, tried: _Attempt) -> bool:
    """Whether a method worked, or several in turn if the host requires that."""
    if route.batch:
        login = replace(login, typist=None)
    keys = _keys(route, login, tried)
    left = [method for method in route.methods if method == "publickey" or login.typist or login.password]
    # Keys are offered unasked, which saves a round trip.
    allowed = left[:1] if left[:1] == ["publickey"] else _offered(transport, route)
    while method := next((method for method in left if method in allowed), None):
        if method == "publickey":
            more = _by_key(transport, route, keys, tried)
        else:
            more = _by_typing(transport, route, login, method, tried)
        if transport.is_authenticated():
            return True
        if more is None or method != "publickey":  # there may be a second key to offer, but no second password
            left.remove(method)
        allowed = _offered(transport, route) if more is None else more
    return transport.is_authenticated()


def _accepted(transport: paramiko.Transport, route: Route) -> str:
    """The methods that the host accepts, for an error; it may hang up at any moment, after that many failures."""
    with contextlib.suppress(paramiko.SSHException, EOFError, OSError):
        if transport.is_active():
            return ",".join(_offered(transport, route))
    return "it hung up"


def _is_late(error: paramiko.SSHException) -> bool:
    """Whether it is a timeout, for which paramiko has no exception of its own."""
    return isinstance(error, paramiko.AuthenticationException) and "timeout" in str(error)


def _by_key(
    transport: paramiko.Transport, route: Route, keys: Iterator[paramiko.PKey], tried: _Attempt
) -> Sequence[str] | None:
    """Offers keys until the host accepts one: the methods that it still requires; None if it accepts none."""
    for key in keys:
        if reason := _unfit(route, key):
            tried.reasons.append(reason)
            continue
        tried.shown.append(f"{key.get_name()} {key.fingerprint}")
        try:
            return transport.auth_publickey(route.user, key)
        except paramiko.BadAuthenticationType as error:
            return error.allowed_types
        except paramiko.AuthenticationException as error:
            if not transport.is_active() or _is_late(error):
                raise
        except paramiko.SSHException as error:  # an agent that may not sign with it
            if not transport.is_active():
                raise
            tried.reasons.append(f"{key.get_name()} {key.fingerprint}: {clean(str(error))}")
    return None


def _unfit(route: Route, key: paramiko.PKey) -> str:
    """Why ssh_config rules a key out; empty if it does not."""
    blob = getattr(key, "public_blob", None)
    certificate = blob.key_type if blob else ""
    kind = certificate or key.get_name()
    shown = f"{kind} {key.fingerprint}"
    names = {kind.replace("ssh-rsa", name) for name in ("ssh-rsa", "rsa-sha2-256", "rsa-sha2-512")}
    if route.accepted_keys and not names & {*route.accepted_keys}:
        return f"{shown} is not among PubkeyAcceptedAlgorithms"
    if key.get_name() == "ssh-rsa" and rsa_bits(key.asbytes()) < route.rsa_size:
        return f"{shown} has {rsa_bits(key.asbytes())} bits; RequiredRSASize is {route.rsa_size}"
    return ""


def _by_typing(
    transport: paramiko.Transport, route: Route, login: Login, method: str, tried: _Attempt
) -> Sequence[str] | None:
    """Sends a password or a code: the methods that the host still requires; None if it rejects it, or there is none.

    What is typed has three tries, as in OpenSSH.
    """
    transport.auth_timeout = TYPING
    host = route.alias or route.hostname.lower()
    typed: list[str] = []

    def asked(prompt: str, echo: bool = False) -> str | None:
        answer = login.typist.answers(prompt, echo=echo) if login.typist else None
        typed.append(answer or "")
        return answer

    def answers(title: str, instructions: str, questions: list[tuple[str, bool]]) -> list[str]:
        return _answers(title, instructions, questions, login, asked_by_it)

    def asked_by_it(prompt: str, echo: bool) -> str | None:
        return asked(prompts.of_server(route.user, host, prompt), echo)

    tried.shown.append(method)
    for left in reversed(range(TRIES)):
        typed.clear()
        try:
            if method == "keyboard-interactive":
                return transport.auth_interactive(route.user, answers)
            password = login.password or asked(prompts.for_password(route.user, host))
            return None if password is None else transport.auth_password(route.user, password, fallback=False)
        except paramiko.AuthenticationException as error:
            if not transport.is_active() or _is_late(error):
                raise
            if method == "password":
                tried.reasons = list(dict.fromkeys([*tried.reasons, clean(str(error)).strip().rstrip(".")]))
            if not left or not any(typed) or isinstance(error, paramiko.BadAuthenticationType):
                return None
        if login.typist:
            login.typist.reads("Permission denied, please try again.")
    return None


def _offered(transport: paramiko.Transport, route: Route) -> Sequence[str]:
    """The methods that the host accepts (RFC 4252, 5.2)."""
    try:
        transport.auth_none(route.user)
    except paramiko.BadAuthenticationType as error:
        return list(error.allowed_types)
    except paramiko.SSHException as error:
        if _is_late(error):
            raise
    return []


def _answers(
    title: str,
    instructions: str,
    questions: Iterable[tuple[str, bool]],
    login: Login,
    asked: Callable[[str, bool], str | None],
) -> list[str]:
    """Answers to a host's prompts, without echo unless the host allows it."""
    for line in (title, instructions):
        if line.strip() and login.typist:
            login.typist.reads(line.strip())
    answers = []
    for prompt, echo in questions:
        if login.password and not echo and "password" in prompt.lower():
            answers.append(login.password)
        else:
            answers.append(asked(prompt, echo) or "")
    return answers


def _keys(route: Route, login: Login, tried: _Attempt) -> Iterator[paramiko.PKey]:
    """Keys in the order in which to try them.

    Named keys come first, or an agent full of others would use up the attempts that the host allows. A key file whose
    key the agent holds is left to the agent. Encrypted keys come last, since someone has to type.
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
            tried.reasons.append(f"{path} cannot be used ({error})")
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
    if typist := login.typist:
        encrypted, locked = list(dict.fromkeys(locked)), []
        yield from from_files(encrypted, lambda path: _phrases(path, typist))
    tried.encrypted += dict.fromkeys(locked)


def _phrases(path: str, typist: Typist) -> Iterator[str]:
    """Passphrases typed for a key; an empty one skips the key, as in OpenSSH."""
    for _ in range(TRIES):
        phrase = typist.answers(prompts.for_key(path))
        if not phrase:
            return
        yield phrase


def _agent_keys(route: Route) -> Iterator[paramiko.PKey]:
    if not route.agent:
        return
    with contextlib.suppress(paramiko.SSHException, OSError):
        if hasattr(AgentSSH, "_connect"):
            yield from _Agent(route.agent).get_keys()
        elif route.agent == os.environ.get("SSH_AUTH_SOCK"):
            yield from paramiko.Agent().get_keys()


class _Agent(AgentSSH):
    """The agent at any socket, as IdentityAgent may name one; paramiko's class knows only SSH_AUTH_SOCK."""

    def __init__(self, path: str) -> None:
        super().__init__()
        link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        link.settimeout(TYPING)  # it may ask the user
        link.connect(path)
        self._connect(link)  # type: ignore[attr-defined] # no public name


def _public(path: str) -> bytes | None:
    """The public key of an identity file: from the file itself, or from the .pub file next to it."""
    for file in (path, f"{path}.pub"):
        with contextlib.suppress(OSError, ValueError, IndexError), open(file, encoding="utf-8") as stream:
            kind, text = stream.read().split()[:2]
            blob = base64.b64decode(text)
            if paramiko.Message(blob).get_text() == kind:
                return blob
    return None


def _load(path: str, phrases: Iterable[str]) -> paramiko.PKey | None:
    """The private key in a file; None if it is encrypted and none of the passphrases fits.

    Raises ValueError, with the reason, if it cannot be used.
    """
    try:
        with open(path, "rb") as file:
            data = file.read()
            status = os.fstat(file.fileno())
        if b"PRIVATE KEY-----" not in data:
            raise ValueError("it is not a private key, and no agent holds that")
        if status.st_uid == os.getuid() and status.st_mode & 0o077:
            raise ValueError(f"others can use it, so OpenSSH refuses it too: chmod 600 {shlex.quote(path)}")
        load = serialization.load_ssh_private_key if b"BEGIN OPENSSH" in data else serialization.load_pem_private_key
        with contextlib.suppress(TypeError):  # it is encrypted
            return _for_paramiko(load(data, None))
        for phrase in phrases:
            with contextlib.suppress(ValueError):  # wrong passphrase
                return _for_paramiko(load(data, phrase.encode()))
    except Exception as error:  # libraries raise all kinds for a broken file
        raise ValueError(clean(getattr(error, "strerror", "") or str(error) or type(error).__name__)) from None
    return None


def _for_paramiko(key: Any) -> paramiko.PKey:
    """A key from cryptography as one for paramiko, which reads fewer file formats."""
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
    """The key with each of its certificates, then without: the host may trust either."""
    for file in dict.fromkeys(certificates):
        # A copy, since loading a certificate changes the key; an agent's key cannot be copied.
        other = paramiko.AgentKey(key.agent, key.blob) if isinstance(key, paramiko.AgentKey) else copy.copy(key)
        with contextlib.suppress(ValueError, OSError):
            other.load_certificate(file)
        if other.public_blob is not None and _certifies(other.public_blob.key_blob, key.asbytes()):
            yield other
    yield key


def _certifies(certificate: bytes, key: bytes) -> bool:
    """Whether a certificate is for a key: after its type and a nonce come the fields of the key (PROTOCOL.certkeys)."""
    fields, certified = paramiko.Message(key), paramiko.Message(certificate)
    fields.get_string()
    certified.get_string()
    certified.get_string()
    return certified.get_remainder().startswith(fields.get_remainder())
