"""The keys of an inventory, each defined once: its check, its help, and what editors complete."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from nbfab.errors import HostStringError
from nbfab.names import HostString, parse_host, parse_jump
from nbfab.settings import BY_KEY, OPTIONS, is_hash


class Key(NamedTuple):
    """A key: what it is for, how its value is checked, and its JSON Schema.

    `parse` raises ValueError with what is wanted. Values of `secret` keys are never repeated in an error; `host` keys
    belong to a host only.
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
        raise ValueError("a user name") from None


def _address(value: Any) -> str:
    try:
        parsed = parse_host(_text(value))
    except HostStringError:
        raise ValueError("a host name or address") from None
    if parsed.user or parsed.port:
        raise ValueError("a host name or address; use the keys user and ssh_port")
    return parsed.host


def _jump(value: Any) -> tuple[HostString, ...]:
    if value == "none":  # as in ssh_config(5); overrides those of a group
        return ()
    try:
        text = ",".join(_text(hop) for hop in value) if isinstance(value, list) else _text(value)
        return tuple(parse_jump(hop.strip()) for hop in text.split(","))
    except HostStringError:
        raise ValueError("jump hosts as in ProxyJump: [user@]host[:port], separated by commas") from None


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
        raise ValueError("prompt or generate; a password itself does not belong in this file")
    return str(value)


def _variable(value: Any) -> str:
    if not isinstance(value, str) or not value.isidentifier() or not value.isascii():
        raise ValueError("the name of an environment variable")
    return value


def _hash(value: Any) -> str:
    if not isinstance(value, str) or not is_hash(value):
        raise ValueError("a hash as `jupyter server password` writes it: argon2:$argon2id$...")
    return value


_STRING = {"type": "string", "minLength": 1}

PASSWORDS = ("password", "password_env", "password_hash")  # at most one of them in one place

KEYS = {
    key.name: key
    for key in (
        *(Key(option.key, option.help, option.parse, option.schema) for option in OPTIONS),
        # Secret, since user:password is a common slip.
        Key("user", "User to log in as (as ssh_config says).", _user, _STRING, secret=True),
        Key("ssh_port", "Port of sshd (as ssh_config says).", BY_KEY["port"].parse, BY_KEY["port"].schema),
        Key("identity", "Private key to log in with (as ssh_config says).", _identity, _STRING),
        Key("jump", "Jump hosts, in their order, or none (as ssh_config says).", _jump, BY_KEY["names"].schema),
        Key(
            "password",
            "prompt: typed once, for all; generate: one per host, in a CSV file beside this one (generate).",
            _password,
            {"enum": ["prompt", "generate"]},
            secret=True,
        ),
        Key("password_env", "Local environment variable that holds the password.", _variable, _STRING, secret=True),
        Key(
            "password_hash",
            "Hash of the password.",
            _hash,
            {"type": "string", "pattern": r"^argon2:\$argon2id\$"},
            True,
        ),
        Key("address", "Where the host is, if not at its name.", _address, _STRING, host=True),
    )
}

# What the same is called in ssh_config, in Ansible, and by people.
_OTHER_WORDS = {
    "address": "addr ansible_host ansible_ssh_host fqdn host host_ip host_name hostname ip_address ipaddress",
    "user": "account ansible_ssh_user ansible_user login login_user remote_user ssh_user username",
    "ssh_port": "ansible_port ansible_ssh_port sshd_port sshport",
    "identity": "ansible_ssh_private_key_file identity_file identityfile key key_file keyfile pem private_key"
    " private_key_file ssh_identity ssh_key ssh_key_file ssh_private_key",
    "jump": "bastion gateway jump_host jump_hosts jumphost jumps proxy proxy_jump proxyjump",
    "port": "http_port https_port jupyter_port notebook_port server_port",
    "ip": "bind bind_address listen listen_address",
    "directory": "cwd dir folder notebook_dir path root root_dir workdir working_directory",
    "python": "conda conda_env env environment interpreter venv virtualenv",
    "packages": "requirements with",
    "kernels": "kernel kernel_environments",
    "names": "alias aliases alt_names certificate_names domain domains san",
    "app": "application ui",
    "days": "valid_days validity",
    "password": "pass passwd pw secret",
    "password_hash": "hash hashed_password",
}
MEANT = {word: name for name, words in _OTHER_WORDS.items() for word in words.split()}
"""Keys of this file by other words for them."""
