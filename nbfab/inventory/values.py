"""What both inventory formats share: mappings, checked values, host names."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from nbfab.errors import HostStringError, UsageError
from nbfab.inventory.keys import KEYS, MEANT, PASSWORDS
from nbfab.inventory.place import Place
from nbfab.inventory.yaml12 import Faulty, Node, Tagged, shown
from nbfab.names import did_you_mean, nearest, parse_host

_DASHES = re.compile(r"[\[{](\w+)(?:-|\.\.)(\w+)[\]}]")  # a range as in a glob, or in bash

LONGEST = 4096  # characters of a value, as of a path

Pairs = Mapping[str, tuple[Node, Node]]


def mapping(node: Node, what: str, hint: str = "") -> Pairs:
    """The keys of a node that must be a mapping; an empty node is an empty mapping. `hint` is for a plain value."""
    if node.value is None:
        return {}
    if isinstance(node.value, Faulty):
        raise node.value.error
    if not isinstance(node.value, dict):
        slip = _slip(node.value)
        error = node.place.shown if slip else node.place.error
        raise error(f"expected a mapping of {what}, not {node.kind(shown=False)}", slip or hint)
    return node.value


def _slip(value: Any) -> str:
    """How to write what YAML takes for text, although it was meant as more."""
    slips = {
        r"-[^\s-]": "put a space after each dash",
        r"[\w-]+:\S": "put a space after the colon",
        r"[\w-]+ *=": "write a colon and a space in place of =",
    }
    return next((fix for pattern, fix in slips.items() if isinstance(value, str) and re.match(pattern, value)), "")


def unknown(key: Node, name: str, known: Sequence[str], value: Node) -> UsageError:
    """An error about an unknown key, with the one that may have been meant as a hint."""
    return key.place.error(f"unknown key {shown(name)}", _meant(name, known, value))


def _meant(name: str, known: Sequence[str], value: Node) -> str:
    if ":" in name:
        return "put a space after the colon"
    prefix = "nbfab_" if name.startswith("nbfab_") else ""
    meant = MEANT.get(name.removeprefix(prefix).lower().replace("-", "_"), "")
    if prefix + meant in known:
        return f"did you mean {prefix}{meant}?"
    if meant and KEYS[meant].host and not isinstance(value.value, dict):
        return f"did you mean {meant}? It belongs to a host, not to a group or to defaults"
    near = nearest(name, known)
    if isinstance(value.value, dict) or (value.value is None and not near):  # as a host has, and no key
        if near in ("defaults", "groups", "hosts"):
            return f"did you mean {near}?"
        if "hosts" in known:
            return "if that is a host, put it under hosts:, and indent it"
        if "address" in known:
            return "if that is a host, begin it in the same column as the host above it"
    return did_you_mean(name, known)


def check_passwords(pairs: Pairs) -> None:
    """Raises UsageError if one place names several sources of a password."""
    both = [name for name in pairs if name.removeprefix("nbfab_") in PASSWORDS]
    if len(both) > 1:
        raise pairs[both[1]][0].place.error(f"{both[1]} and {both[0]} are mutually exclusive")


def parsed(name: str, node: Node, written: str = "") -> Any:
    """The checked value of a key; `written` is the key's name in the file, if different."""
    if isinstance(node.value, Faulty):
        raise node.value.error
    check_length(written or name, node)
    value = [item.value for item in node.value] if isinstance(node.value, list) else node.value
    if type(value) is int and KEYS[name].schema.get("type") == "string":
        value = str(value)  # exactly as written: only canonical numbers are read as int
    if name == "port" and value == 22:
        raise node.place.error(
            "port is what the notebook server listens on, and 22 is sshd's", "did you mean ssh_port?"
        )
    try:
        if isinstance(value, dict | Tagged | None):
            raise TypeError
        return KEYS[name].parse(value)
    except (ValueError, TypeError) as error:
        wanted = str(error) if isinstance(error, ValueError) else "a plain value"
        instead = "" if KEYS[name].secret else f", not {node.kind()}"
        raise node.place.error(f"{written or name} must be {wanted}{instead}") from None


def check_length(name: str, node: Node) -> None:
    """Raises UsageError for an excessively long text, before it is copied for thousands of hosts."""
    items = node.value if isinstance(node.value, list) else [node]
    if any(isinstance(item.value, str) and len(item.value) > LONGEST for item in items):
        raise node.place.error(f"{name} is longer than {LONGEST} characters")


def merged(far: Mapping[str, Any], near: Mapping[str, Any]) -> dict[str, Any]:
    """Both, where `near` takes precedence; any source of a password replaces all others."""
    kept = {name: value for name, value in far.items() if name not in PASSWORDS or not set(PASSWORDS) & set(near)}
    return {**kept, **near}


def host_name(name: str, place: Place) -> str:
    """A host name, checked. Raises UsageError."""
    try:
        parts = parse_host(name)
    except HostStringError as error:
        meant = _DASHES.sub(r"[\1:\2]", name[:60])
        fix = (f"did you mean {meant}?",) if meant != name else error.fix
        raise place.error(str(error), *fix) from None
    if parts.user or parts.port:
        raise place.error(f"{name[:60]!r} is more than a host name", "use the keys user and ssh_port")
    return parts.host
