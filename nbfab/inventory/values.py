"""What both inventory formats share: mappings, checked values, host names."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from nbfab.errors import HostStringError, UsageError
from nbfab.inventory.keys import KEYS, PASSWORDS
from nbfab.inventory.yaml12 import Faulty, Node, Place, Tagged, shown
from nbfab.names import parse_host

LONGEST = 4096  # characters of a value, as of a path

Pairs = Mapping[str, tuple[Node, Node]]


def mapping(node: Node, what: str) -> Pairs:
    """The keys of a node that must be a mapping; an empty node is an empty mapping."""
    if node.value is None:
        return {}
    if isinstance(node.value, Faulty):
        raise node.value.error
    if not isinstance(node.value, dict):
        raise node.place.error(f"expected a mapping of {what}, not {node.kind(shown=False)}")
    return node.value


def unknown(key: Node, name: str, known: Sequence[str]) -> UsageError:
    """An error about an unknown key, with the most similar known one as a hint."""
    hint = "put a space after the colon" if ":" in name else nearest(name, known)
    return key.place.error(f"unknown key {shown(name)}", hint)


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
        raise place.error(str(error), *error.fix) from None
    if parts.user or parts.port:
        raise place.error(f"{name[:60]!r} is more than a host name", "use the keys user and ssh_port")
    return parts.host


def nearest(name: str, known: Sequence[str]) -> str:
    """A hint for an unknown name: the most similar known one, or all of them."""
    near = difflib.get_close_matches(name[:60].removeprefix("!"), known, 1, 0.5)
    return f"did you mean {near[0]}?" if near else f"choose from {', '.join(dict.fromkeys(known))}"[:300]
