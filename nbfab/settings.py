"""Settings: what one notebook server shall be, each option defined and checked in one place."""

import ipaddress
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

from nbfab.errors import UsageError

# A label of a DNS name. The underscore is no host name by RFC 1123, but people type such aliases.
_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
EVERY_ADDRESS = ("*", "0.0.0.0", "::")  # values of `ip` that listen on more than one
_PROFILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def kernel_name(profile: str) -> str:
    """The name of a profile's kernel; Jupyter's kernels have small letters only (jupyter_client/kernelspec.py)."""
    return profile.lower()


def is_name(text: str) -> bool:
    """Whether a certificate can carry `text`: an IP address, a DNS name (RFC 1123), or `*.` and such a name."""
    try:
        ipaddress.ip_address(text)
        return "%" not in text
    except ValueError:
        pass
    labels = text.removeprefix("*.").split(".")
    return len(text) <= 253 and not labels[-1].isdigit() and all(_LABEL.fullmatch(label) for label in labels)


def _whole_number(low: int, high: int) -> Callable[[Any], int]:
    def parse(value: Any) -> int:
        text = str(value)
        if isinstance(value, bool) or not re.fullmatch(r"[1-9][0-9]{0,9}", text) or not low <= int(text) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(text)

    return parse


def _profile(value: Any) -> str:
    if not isinstance(value, str) or not _PROFILE.fullmatch(value):
        raise ValueError("a name of letters, digits, - and _, at most 64 long")
    return value


def _ip(value: Any) -> str:
    if value in ("*", "localhost"):
        return str(value)
    try:
        return str(ipaddress.ip_address(value if isinstance(value, str) and "%" not in value else ""))
    except ValueError:
        raise ValueError("'*' (all addresses), localhost, or an IP address") from None


def _path(value: Any) -> str:
    # A path becomes text in files of several syntaxes and lines of a report: no control characters.
    if not isinstance(value, str) or not value or not value.isprintable():
        raise ValueError("a path without control characters")
    return value


def _app(value: Any) -> str:
    if value not in ("notebook", "lab"):
        raise ValueError("notebook or lab")
    return str(value)


def _names(value: Any) -> tuple[str, ...]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, Iterable):
        raise ValueError("a list of DNS names or IP addresses")
    return tuple(dict.fromkeys(_name(item) for item in values))


def _name(value: Any) -> str:
    try:
        name = value if value.isascii() else value.encode("idna").decode()
        if is_name(name):
            return str(name)
    except (AttributeError, UnicodeError):
        pass
    raise ValueError("DNS names or IP addresses")


class Option(NamedTuple):
    """One setting: its key in configuration files and the inventory, its flag, its help, its check.

    `parse` takes whatever a person wrote and returns the value, or raises ValueError with what is wanted.
    """

    key: str
    flag: str
    help: str
    parse: Callable[[Any], Any]
    default: Any
    repeatable: bool = False


OPTIONS = (
    Option("profile", "profile", "Name of the profile and of its tmux session (nbserver).", _profile, "nbserver"),
    Option("port", "port", "Port to serve at, this one and no other (9999).", _whole_number(1, 65535), 9999),
    Option("ip", "ip", "Address to listen on; '*' is all of them ('*').", _ip, "*"),
    Option(
        "directory",
        "directory",
        "Folder the notebooks are in (this machine: where you are; a host: the home folder).",
        _path,
        "",
    ),
    Option("python", "python", "Environment or interpreter that has the notebook (looked for).", _path, ""),
    Option("app", "app", "What to serve: notebook or lab (notebook).", _app, "notebook"),
    Option("names", "name", "One more name or address for the certificate; repeatable.", _names, (), True),
    Option("days", "days", "Days that a new certificate is valid (365).", _whole_number(1, 3650), 365),
)
BY_KEY = {option.key: option for option in OPTIONS}


@dataclass(frozen=True)
class Settings:
    """What one server shall be. Make it with `parse`, which checks every value.

    An empty `directory` is where the user is (this machine) or the home folder (a host); an empty
    `python` means that an environment is looked for.
    """

    profile: str = "nbserver"
    port: int = 9999
    ip: str = "*"
    directory: str = ""
    python: str = ""
    app: str = "notebook"
    names: tuple[str, ...] = ()
    days: int = 365

    @classmethod
    def parse(cls, values: Mapping[str, Any], source: str = "") -> Self:
        """Settings from what a person wrote; keys as in `OPTIONS`, an absent one or None keeps its default.

        `source` says in the error where the values stood. Raises UsageError for a wrong value or an unknown key.
        """
        return cls().with_values(values, source)

    def with_values(self, values: Mapping[str, Any], source: str = "") -> Self:
        """These settings with `values` over them, checked as by `parse`."""
        where = f"{source}: " if source else ""
        for key in values:
            if key not in BY_KEY:
                raise UsageError(f"{where}unknown option {key!r}", f"the options are {', '.join(BY_KEY)}")
        parsed = {}
        for key, value in values.items():
            if value is None:
                continue
            try:
                parsed[key] = BY_KEY[key].parse(value)
            except ValueError as error:
                raise UsageError(f"{where}{BY_KEY[key].flag} must be {error}, not {value!r}") from None
        return replace(self, **parsed)

    def from_here(self) -> Self:
        """These settings for this machine: what a person wrote of paths is meant from where they are."""
        python = os.path.abspath(os.path.expanduser(self.python)) if self.python else ""
        return replace(self, directory=os.path.abspath(os.path.expanduser(self.directory or ".")), python=python)

    @classmethod
    def gather(
        cls, given: Mapping[str, Any], configuration: Mapping[str, Any], inventory: Mapping[str, Any] | None = None
    ) -> Self:
        """Settings from the nearest of: flags, the inventory, `NBFAB_*`, the `nbfab:` part of the configuration.

        `given` holds the flags by key; None and an empty list mean that the flag was not given. Raises UsageError.
        """
        if not isinstance(configuration, Mapping):
            raise UsageError("nbfab: in the configuration must be a mapping of options")
        environment = {
            option.key: value.split(",") if option.repeatable else value
            for option in OPTIONS
            for name in dict.fromkeys((option.flag, option.key))
            if (value := os.environ.get(f"NBFAB_{name.upper()}"))
        }
        settings = cls.parse(configuration, "nbfab in the configuration")
        settings = settings.with_values(environment, "NBFAB_* in the environment")
        settings = settings.with_values(inventory or {}, "the inventory")
        return settings.with_values({key: value for key, value in given.items() if value not in (None, [])})
