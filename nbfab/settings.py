"""Settings: what one notebook server should be. An option is defined here, and nowhere else."""

import ipaddress
import keyword
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field, fields, replace
from types import MappingProxyType
from typing import Any, Self

from nbfab.errors import UsageError
from nbfab.names import is_name
from nbfab.records import dataclass

# Where a value may be chosen, for messages that begin with it, and for those that say where it is from.
SOURCES: Mapping[str, tuple[str, str]] = {
    "flag": ("", "{flag}"),
    "inventory": ("the inventory: ", "the inventory"),
    "environment": ("NBFAB_* in the environment: ", "{variable}"),
    "configuration": ("nbfab in the configuration: ", "the configuration"),
    "folder": ("", "the folder of the first setup"),
    "typed": ("", "-H or its HostName"),
    "earlier": ("", "an earlier release"),
    "rollback": ("", "--rollback"),
    "default": ("", "the defaults"),
}
_PROFILE = r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}"
_HASH = (
    r"argon2:\$argon2id\$v=19\$m=([0-9]{1,7}),t=([0-9]{1,7}),p=[0-9]{1,3}\$[A-Za-z0-9+/]{1,200}\$[A-Za-z0-9+/]{1,200}"
)
# KiB of memory times passes over it: forty times what Jupyter takes. A host could name costs that take a year.
_COSTS = 4_000_000
NEW = "new"  # as `python`: the environment that nbfab makes
# What pip takes from an index: a name, extras, versions. No URL, no marker, no option.
_PACKAGE_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?"
_VERSION = r"(?:===|==|~=|!=|<=|>=|<|>)[A-Za-z0-9.*+!_-]{1,60}"
_PACKAGE = rf"{_PACKAGE_NAME}(?:\[[A-Za-z0-9._,-]{{1,100}}\])?(?:{_VERSION}(?:,{_VERSION}){{0,9}})?"
_MOST_PACKAGES = 2000  # characters of them all
_MOST_KERNELS, _LONGEST_KERNEL = 50, 1000
LISTED = ("kernels",)  # options whose values may hold blanks: what stores them has a line for each
ADDED = ("packages", "kernels")  # options whose typed values add to those that the profile has
NEVER = "off"  # as a duration
_UNITS: Mapping[str, int] = {"m": 60, "h": 3600, "d": 86400}
_LONGEST = 365 * 86400  # seconds


def is_hash(text: str) -> bool:
    """Whether `text` is an argon2id hash in the form that the notebook server verifies, at a bearable cost."""
    match = re.fullmatch(_HASH, text)
    return match is not None and int(match[1]) * int(match[2]) <= _COSTS


def is_path(python: str) -> bool:
    """Whether `python` is a path, and not the name of an environment."""
    return "/" in python or python.startswith("~")


def package_name(package: str) -> str:
    """The name of a package, without extras and versions."""
    match = re.match(_PACKAGE_NAME, package)
    return match[0] if match else ""


def added(packages: Iterable[str], more: Iterable[str]) -> tuple[str, ...]:
    """Packages and those that are added, which replace one of the same name."""
    names = {re.sub(r"[-_.]+", "-", package_name(package)).lower(): package for package in (*packages, *more)}
    return tuple(names.values())


def written(value: Any) -> str:
    """The value of an option as text; `parse` reads it, unless it is for people: one of several that have blanks."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return (", " if any(" " in item for item in value) else " ").join(value)
    return str(value)


def shown(key: str, value: Any) -> str:
    """The value of an option for people: of a file that the profile keeps, its name."""
    text = written(value)
    return re.sub(":[0-9a-f]{16}$", "", text) if key == "requirements" else text


def lines(key: str, value: Any) -> tuple[str, ...]:
    """The value of an option as lines of text: one, or one for each of its values, if those may hold blanks."""
    return (value or ("",)) if key in LISTED else (written(value),)


def whole_number(low: int, high: int) -> Callable[[Any], int]:
    """A parser of whole numbers in that range."""

    def parse(value: Any) -> int:
        text = str(value)
        if isinstance(value, bool) or not re.fullmatch(r"[1-9][0-9]{0,9}", text) or not low <= int(text) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(text)

    return parse


def seconds(duration: str) -> int:
    """The seconds of a duration, such as `8h`; 0 for `off`."""
    return 0 if duration == NEVER else int(duration[:-1]) * _UNITS[duration[-1]]


def duration(seconds: int) -> str:
    """Those seconds by the largest unit that they fill; `off` for 0."""
    unit = next((unit for unit in ("d", "h", "m") if seconds % _UNITS[unit] == 0), "")
    return NEVER if not seconds else f"{seconds // _UNITS[unit]}{unit}" if unit else f"{seconds}s"


def _duration(value: Any) -> str:
    if value is False or (isinstance(value, str) and value.lower() == NEVER):
        return NEVER
    if not isinstance(value, str) or not re.fullmatch(r"[1-9][0-9]{0,5}[mhd]", value) or seconds(value) > _LONGEST:
        raise ValueError("a time such as 30m, 8h or 2d, at most 365d, or off")
    return duration(seconds(value))


def _profile(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(_PROFILE, value):
        raise ValueError("a name of letters, digits, - and _, at most 64 characters long")
    return value


def _ip(value: Any) -> str:
    if value in ("*", "localhost"):
        return str(value)
    try:
        return str(ipaddress.ip_address(value if isinstance(value, str) and "%" not in value else ""))
    except ValueError:
        raise ValueError("'*' (all addresses), localhost, or an IP address") from None


def _path(value: Any) -> str:
    # A path ends up in files of several syntaxes and in lines of a report, so no control characters.
    if not isinstance(value, str) or not value or not value.isprintable():
        raise ValueError("a path without control characters")
    return value


def _environment(value: Any) -> str:
    try:
        return _path(value)
    except ValueError:
        raise ValueError("the name of an environment or a path, without control characters") from None


def _one_of(*values: str) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        if value not in values:
            raise ValueError(" or ".join(values))
        return str(value)

    return parse


def _from_here(python: str) -> str:
    """A name as it is, and a path as one of this machine's."""
    return os.path.abspath(os.path.expanduser(python)) if is_path(python) else python


def _yes(value: Any) -> bool:
    text = str(value).lower() if isinstance(value, (bool, str)) else ""
    if text not in ("yes", "true", "on", "no", "false", "off"):
        raise ValueError("yes or no")
    return text in ("yes", "true", "on")


def _names(value: Any) -> tuple[str, ...]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, Iterable):
        raise ValueError("a list of DNS names or IP addresses")
    return tuple(dict.fromkeys(_name(item) for item in values))


def _packages(value: Any) -> tuple[str, ...]:
    values = value.split() if isinstance(value, str) else value
    if isinstance(values, Iterable):
        packages = tuple(values)
        if all(isinstance(item, str) and re.fullmatch(_PACKAGE, item) for item in packages):
            packages = added((), packages)
            if len(written(packages)) <= _MOST_PACKAGES:
                return packages
    raise ValueError("packages as pip takes them from an index: pandas, pandas>=2, pandas[excel]")


def _kernels(value: Any) -> tuple[str, ...]:
    values = [value] if isinstance(value, str) else value
    if isinstance(values, Iterable):
        kernels = tuple(values)
        if len(kernels) <= _MOST_KERNELS and all(isinstance(kernel, str) for kernel in kernels):
            try:
                kernels = tuple(dict.fromkeys(map(_path, kernels)))
            except ValueError:
                kernels = ("",)
            if all(0 < len(kernel) <= _LONGEST_KERNEL for kernel in kernels):
                return kernels
    raise ValueError("names of environments or paths, without control characters")


def _name(value: Any) -> str:
    try:
        name = value if value.isascii() else value.encode("idna").decode()
        if is_name(name):
            return str(name)
    except (AttributeError, UnicodeError):
        pass
    raise ValueError("DNS names or IP addresses")


@dataclass(frozen=True)
class Option:
    """One setting: its key in configuration files and inventories, its flag, its check, its help.

    `parse` takes whatever was written and returns the value, or raises ValueError with what is wanted. `absent` is what
    happens without the option, if that is not just its default. `schema` is its JSON Schema in an inventory.
    """

    key: str
    flag: str
    about: str
    parse: Callable[[Any], Any]
    default: Any
    absent: str
    schema: Mapping[str, Any]

    @property
    def repeatable(self) -> bool:
        """Whether its flag may be given several times, for a list of values."""
        return isinstance(self.default, tuple)

    @property
    def parameter(self) -> str:
        """What its flag is called as the parameter of a function; Invoke leaves out the underscore at its end."""
        name = self.flag.replace("-", "_")
        return f"{name}_" if keyword.iskeyword(name) else name

    @property
    def off(self) -> str:
        """The same of the flag that turns a switch off."""
        return f"no_{self.parameter}"

    @property
    def variable(self) -> str:
        """The variable of the environment that it may be chosen in."""
        return f"NBFAB_{self.flag.replace('-', '_').upper()}"

    @property
    def switch(self) -> bool:
        """Whether its flag takes no value."""
        return isinstance(self.default, bool)

    @property
    def help(self) -> str:
        """What it is for and what its default is, in a sentence."""
        return f"{self.about} ({self.absent or self.default})."


_TEXT: Mapping[str, Any] = {"type": "string", "minLength": 1}
_DURATION: Mapping[str, Any] = {"type": "string", "pattern": "^([1-9][0-9]{0,5}[mhd]|off)$"}


def _option(
    default: Any,
    about: str,
    parse: Callable[[Any], Any],
    *,
    flag: str = "",
    absent: str = "",
    schema: Mapping[str, Any] = _TEXT,
) -> Any:
    metadata = {"flag": flag, "about": about, "parse": parse, "absent": absent, "schema": schema}
    return field(default=default, metadata=metadata)


def _switch(about: str, flag: str = "") -> Any:
    """An option that is on or off; off unless it is chosen."""
    return _option(False, about, _yes, flag=flag, absent="off", schema={"type": "boolean"})


@dataclass(frozen=True)
class Settings:
    """What one server should be. Use `parse`, which checks every value.

    `sources` says where a value was chosen, by a key of `SOURCES`; an option that is not in there has its default.
    """

    profile: str = _option("nbserver", "Name of the profile and of its tmux session", _profile)
    port: int = _option(
        9999,
        "Port to serve on; no other is tried",
        whole_number(1, 65535),
        schema={"type": "integer", "minimum": 1, "maximum": 65535},
    )
    ip: str = _option("*", "Address to listen on; '*' means all of them", _ip, absent="'*'")
    directory: str = _option(
        "", "Folder of the notebooks", _path, absent="here: the current folder; on a host: the home folder"
    )
    python: str = _option(
        "",
        "Environment that has the notebook: its name, a path (with a / or ~), or `new` for one of nbfab's own",
        _environment,
        absent="one is found, or made",
    )
    packages: tuple[str, ...] = _option(
        (),
        "One more package for the notebooks, in an environment of the profile's own",
        _packages,
        flag="with",
        absent="may be repeated",
        schema={"type": ["string", "array"], "items": {"type": "string"}},
    )
    requirements: str = _option(
        "",
        "File with the packages for the notebooks: requirements.txt, pyproject.toml, pylock.toml, uv.lock",
        _path,
        absent="none",
    )
    kernels: tuple[str, ...] = _option(
        (),
        "One more environment for the menu of kernels: its name, or a path (with a / or ~)",
        _kernels,
        flag="kernel",
        absent="may be repeated",
        schema={"type": ["string", "array"], "items": {"type": "string", "minLength": 1}},
    )
    app: str = _option(
        "notebook", "What to serve: notebook or lab", _one_of("notebook", "lab"), schema={"enum": ["notebook", "lab"]}
    )
    names: tuple[str, ...] = _option(
        (),
        "One more name or address for the certificate",
        _names,
        flag="name",
        absent="may be repeated",
        schema={"type": ["string", "array"], "items": {"type": "string"}},
    )
    days: int = _option(
        365,
        "Days that a new certificate is valid",
        whole_number(1, 3650),
        schema={"type": "integer", "minimum": 1, "maximum": 3650},
    )
    debugger: bool = _switch("Let JupyterLab's debugger into Python kernels")
    keep_output: bool = _switch(
        "Keep what cells print while no page is open, in an environment of nbfab's own", "keep-output"
    )
    self_signed: bool = _switch("Have the certificate sign itself, though there is an authority", "self-signed")
    client_certificates: bool = _switch(
        "Admit only clients that present a certificate, see client.add", "client-certificates"
    )
    at_boot: bool = _switch("Start the server when the host boots", "at-boot")
    idle: str = _option(
        NEVER,
        "Stop the server when nothing has run for that long: 30m, 8h, 2d; kernels and terminals keep it",
        _duration,
        schema=_DURATION,
    )
    idle_kernels: str = _option(
        NEVER,
        "End kernels that have been idle for that long, also those of open pages",
        _duration,
        flag="idle-kernels",
        schema=_DURATION,
    )
    lend: str = _option(
        "ask",
        "Lend a host that reaches no index of packages this machine's access to one: ask, always or never",
        _one_of("ask", "always", "never"),
        schema={"enum": ["ask", "always", "never"]},
    )
    sources: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), compare=False)

    @classmethod
    def parse(cls, values: Mapping[str, Any], source: str = "flag") -> Self:
        """Settings from what was written; keys as in `OPTIONS`. One that is absent or None keeps its default.

        `source` is where they were written, a key of `SOURCES`. Raises UsageError for a wrong value or an unknown key.
        """
        return cls().with_values(values, source)

    def with_values(self, values: Mapping[str, Any], source: str = "flag") -> Self:
        """These settings with `values` on top, checked as by `parse`."""
        where, _ = SOURCES[source]
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
        return replace(self, **parsed, sources=MappingProxyType({**self.sources, **dict.fromkeys(parsed, source)}))

    def from_here(self) -> Self:
        """These settings for this machine, where paths are relative to the current folder."""
        python = _from_here(self.python)
        directory = os.path.abspath(os.path.expanduser(self.directory or "."))
        sources = MappingProxyType({"directory": "folder", **self.sources})
        kernels = tuple(map(_from_here, self.kernels))
        return replace(self, directory=directory, python=python, kernels=kernels, sources=sources)

    @classmethod
    def gather(
        cls, given: Mapping[str, Any], configuration: Mapping[str, Any], inventory: Mapping[str, Any] | None = None
    ) -> Self:
        """Settings from, in this order: flags, the inventory, `NBFAB_*`, the `nbfab:` part of the configuration.

        `given` holds the flags by key; None or an empty list means that a flag was not given. Raises UsageError.
        """
        if not isinstance(configuration, Mapping):
            raise UsageError("nbfab: in the configuration must be a mapping of options")
        environment = {
            option.key: value.split(",") if option.repeatable else value
            for option in OPTIONS
            for name in dict.fromkeys((option.variable, f"NBFAB_{option.key.upper()}"))
            if (value := os.environ.get(name))
        }
        settings = cls.parse(configuration, "configuration")
        settings = settings.with_values(environment, "environment")
        settings = settings.with_values(inventory or {}, "inventory")
        return settings.with_values({key: value for key, value in given.items() if value not in (None, [])})


OPTIONS = tuple(
    Option(
        of.name,
        of.metadata["flag"] or of.name,
        of.metadata["about"],
        of.metadata["parse"],
        of.default,
        of.metadata["absent"],
        of.metadata["schema"],
    )
    for of in fields(Settings)
    if of.metadata
)
BY_KEY = {option.key: option for option in OPTIONS}
# Options that stay as they were chosen for a profile; it is found by its name, names are added to those it has, and
# what may be lent concerns this machine.
RESETTABLE = tuple(key for key in BY_KEY if key not in ("profile", "names", "lend"))


def origin(key: str, source: str) -> str:
    """Where the value of an option was chosen, for people."""
    return SOURCES[source.partition("#")[0]][1].format(flag=f"--{BY_KEY[key].flag}", variable=BY_KEY[key].variable)


def state_home() -> str:
    """Where programs keep state: XDG_STATE_HOME."""
    return _home_of("XDG_STATE_HOME", "~/.local/state")


def data_home() -> str:
    """Where programs keep data, and a host its profiles: XDG_DATA_HOME."""
    return _home_of("XDG_DATA_HOME", "~/.local/share")


def _home_of(variable: str, usual: str) -> str:
    """The folder that a variable names. As its specification demands, a relative one is ignored."""
    given = os.environ.get(variable, "")
    return given if os.path.isabs(given) else os.path.expanduser(usual)
