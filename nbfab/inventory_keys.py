"""The keys of an inventory, each defined once: to be checked, explained in the example, and completed by editors."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from nbfab.errors import HostStringError
from nbfab.settings import OPTIONS
from nbfab.ssh_hosts import jump_text, parse_host


class Key(NamedTuple):
    """A key, what it is for, how its value is checked, and what a JSON Schema says of it.

    `parse` raises ValueError with what is wanted. `secret` values are never repeated in an error. `host` keys stand at
    a host only.
    """

    name: str
    help: str
    parse: Callable[[Any], Any]
    schema: Mapping[str, Any]
    secret: bool = False
    host: bool = False


def _user(value: Any) -> str:
    try:
        return str(parse_host(f"{_text(value)}@host").user)
    except HostStringError:
        raise ValueError("a user's name") from None


def _address(value: Any) -> str:
    try:
        parsed = parse_host(_text(value))
    except HostStringError:
        raise ValueError("a host's name or address") from None
    if parsed.user or parsed.port:
        raise ValueError("a host's name or address; its user and port are keys of their own")
    return parsed.host


def _jump(value: Any) -> tuple[str, ...]:
    if value == "none":  # as in ssh_config(5): none, although a group has some
        return ()
    try:
        text = ",".join(_text(hop) for hop in value) if isinstance(value, list) else _text(value)
        hops = tuple(jump_text(hop.strip()) for hop in text.split(","))
        for hop in hops:
            parse_host(hop)
        return hops
    except HostStringError:
        raise ValueError("jump hosts as ProxyJump has them: [user@]host[:port], between commas") from None


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.isprintable() or not value:
        raise ValueError("text")
    return value


def _identity(value: Any) -> str:
    try:
        return _text(value)
    except ValueError:
        raise ValueError("the path of a private key") from None


def _password(value: Any) -> str:
    if value not in ("prompt", "generate"):
        raise ValueError("prompt or generate; a password itself must not stand in this file")
    return str(value)


def _variable(value: Any) -> str:
    if not isinstance(value, str) or not value.isidentifier() or not value.isascii():
        raise ValueError("the name of an environment variable")
    return value


def _hash(value: Any) -> str:
    from nbfab.passwords import is_hash

    if not isinstance(value, str) or not is_hash(value):
        raise ValueError("a hash as `jupyter server password` writes it: argon2:$argon2id$...")
    return value


_SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "port": {"type": "integer", "minimum": 1, "maximum": 65535},
    "days": {"type": "integer", "minimum": 1, "maximum": 3650},
    "app": {"enum": ["notebook", "lab"]},
    "names": {"type": ["string", "array"], "items": {"type": "string"}},
}
_PORT = next(option for option in OPTIONS if option.key == "port").parse
_STRING = {"type": "string", "minLength": 1}

PASSWORDS = ("password", "password_env", "password_hash")  # at most one of them in one place

KEYS = {
    key.name: key
    for key in (
        *(Key(option.key, option.help, option.parse, _SCHEMAS.get(option.key, _STRING)) for option in OPTIONS),
        Key("user", "User to log in as (as ssh_config says).", _user, _STRING, secret=True),  # user:password is a slip
        Key("ssh_port", "Port of sshd (as ssh_config says).", _PORT, _SCHEMAS["port"]),
        Key("identity", "Private key to log in with (as ssh_config says).", _identity, _STRING),
        Key("jump", "Jump hosts, in their order; none (as ssh_config says).", _jump, _SCHEMAS["names"]),
        Key(
            "password",
            "prompt: typed once, for all; generate: one for each host, into a CSV file for you alone.",
            _password,
            {"enum": ["prompt", "generate"]},
            secret=True,
        ),
        Key("password_env", "Environment variable, here, that holds the password.", _variable, _STRING, secret=True),
        Key(
            "password_hash",
            "Hash of the password.",
            _hash,
            {"type": "string", "pattern": r"^argon2:\$argon2id\$"},
            True,
        ),
        Key("address", "Where the host is, if that is not its name.", _address, _STRING, host=True),
    )
}
