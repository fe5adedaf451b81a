"""The inventory: many hosts from one YAML file, each with its settings, all checked before any is contacted."""

import difflib
import fnmatch
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from nbfab.errors import HostStringError, UsageError
from nbfab.inventory_keys import KEYS, PASSWORDS
from nbfab.ranges import MOST, expand
from nbfab.settings import BY_KEY
from nbfab.ssh_hosts import parse_host
from nbfab.yaml12 import Faulty, Node, Place, Tagged, read, shown

LONGEST = 4096  # characters of a value: a path may have that many


@dataclass(frozen=True)
class InventoryHost:
    """A host of the inventory: its name, the groups that it is in, and the values of its keys, the nearest ones.

    `unread` is why it is not certain which machine is meant, so that it must not be contacted.
    """

    name: str
    place: Place
    groups: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    unread: UsageError | None = None

    @property
    def typed(self) -> str:
        """The host string to connect to."""
        address, port = self.values.get("address", self.name), self.values.get("ssh_port")
        user = f"{self.values['user']}@" if "user" in self.values else ""
        return (
            f"{user}[{address}]:{port}" if port and ":" in address else f"{user}{address}{f':{port}' if port else ''}"
        )

    @property
    def options(self) -> dict[str, Any]:
        """The values that are settings of a task."""
        return {key: value for key, value in self.values.items() if key in BY_KEY}

    @property
    def way(self) -> dict[str, Any]:
        """What `ssh.Connection` takes beside the host string: jump hosts and a key, where they are given."""
        way: dict[str, Any] = {}
        if "jump" in self.values:
            way["jumps"] = self.values["jump"]
        if "identity" in self.values:
            way["identities"] = (self.values["identity"],)
        return way

    @property
    def password(self) -> tuple[str, str]:
        """Where its password comes from: a key of PASSWORDS and its value; both empty if nothing is said."""
        return next(((key, self.values[key]) for key in PASSWORDS if key in self.values), ("", ""))


@dataclass(frozen=True)
class Inventory:
    """All hosts of a file, in their order there; `notes` tell what was not understood and left out."""

    path: Path
    hosts: tuple[InventoryHost, ...]
    notes: tuple[str, ...] = ()

    def find(self, name: str) -> InventoryHost | None:
        """The host of that name. Raises UsageError for one that must not be contacted."""
        found = next((host for host in self.hosts if host.name == name), None)
        if found and found.unread:
            raise found.unread
        return found

    def select(self, pattern: str) -> tuple[InventoryHost, ...]:
        """The hosts that names, groups or globs between commas name; `!` before one takes its hosts away.

        Raises UsageError for one that means no host.
        """
        parts = [part.strip() for part in pattern.split(",") if part.strip()]
        if not parts:
            raise UsageError("--limit names no host", "name hosts, groups or globs: --limit 'gpu*,!gpu07'")
        wanted = set() if any(not part.startswith("!") for part in parts) else {host.name for host in self.hosts}
        for part in sorted(parts, key=lambda part: part.startswith("!")):
            patterns = list(expand(part.removeprefix("!"), Place("--limit")))
            found = {host.name for host in self.hosts if any(_means(pattern, host) for pattern in patterns)}
            if not found:
                known = [host.name for host in self.hosts] + [group for host in self.hosts for group in host.groups]
                raise UsageError(
                    f"--limit: no host or group is called {part.removeprefix('!')!r}", _nearest(part, known)
                )
            wanted = wanted - found if part.startswith("!") else wanted | found
        return tuple(host for host in self.hosts if host.name in wanted)


def _means(part: str, host: InventoryHost) -> bool:
    return part == "all" or any(fnmatch.fnmatchcase(name, part) for name in (host.name, *host.groups))


def load(path: Path) -> Inventory:
    """The inventory in a file: nbfab's own shape, or Ansible's. Raises UsageError with the place of what is wrong."""
    return build(read(path), path)


def build(root: Node, path: Path) -> Inventory:
    """As `load`, of what was read."""
    from nbfab import ansible

    top = mapping(root, "defaults, groups and hosts")
    if ansible.looks_like(top):
        return ansible.build(top, path)
    known = ("defaults", "groups", "hosts")
    for name, (key, _) in top.items():
        if name not in known:
            raise unknown(key, name, known)
    defaults = _values(mapping(top["defaults"][1], "options"), ()) if "defaults" in top else {}
    hosts = _joined(_group(top, (), _near(defaults, 0)))
    if not hosts:
        raise root.place.error("no hosts in it", "hosts: {gpu1: }")
    return Inventory(path, hosts)


Pairs = Mapping[str, tuple[Node, Node]]


def mapping(node: Node, what: str) -> Pairs:
    """The keys of a node that has to be a mapping; nothing is an empty one."""
    if node.value is None:
        return {}
    if isinstance(node.value, Faulty):
        raise node.value.error
    if not isinstance(node.value, dict):
        raise node.place.error(f"a mapping of {what} is wanted here, not {node.kind(shown=False)}")
    return node.value


def _values(pairs: Pairs, more: Sequence[str], *, host: bool = False) -> dict[str, Any]:
    """The checked values of keys; `more` are names that stand beside them."""
    values: dict[str, Any] = {}
    for name, (key, node) in pairs.items():
        if name in more:
            continue
        definition = KEYS.get(name)
        if definition is None or (definition.host and not host):
            if definition is not None:
                raise key.place.error(f"{name} is a key of a host, not of a group or of defaults")
            names = [key for key, of in KEYS.items() if host or not of.host]
            raise unknown(key, name, [*names, *more])
        values[name] = parsed(name, node)
    check_passwords({name: pairs[name] for name in values})
    return values


def unknown(key: Node, name: str, known: Sequence[str]) -> UsageError:
    """An error about a key that there is not, which names the nearest that there is."""
    hint = "a blank is wanted after the colon" if ":" in name else _nearest(name, known)
    return key.place.error(f"unknown key {shown(name)}", hint)


def check_passwords(pairs: Pairs) -> None:
    """Raises UsageError where one place says more than once where a password comes from."""
    both = [name for name in pairs if name.removeprefix("nbfab_") in PASSWORDS]
    if len(both) > 1:
        raise pairs[both[1]][0].place.error(f"{both[1]} and {both[0]} exclude each other")


def parsed(name: str, node: Node, written: str = "") -> Any:
    """The value of a key, which may be `written` otherwise, checked."""
    if isinstance(node.value, Faulty):
        raise node.value.error
    check_length(written or name, node)
    value = [item.value for item in node.value] if isinstance(node.value, list) else node.value
    if type(value) is int and KEYS[name].schema.get("type") == "string":
        value = str(value)  # as it was written: of numbers, only such are read as one
    try:
        if isinstance(value, dict | Tagged | None):
            raise TypeError
        return KEYS[name].parse(value)
    except (ValueError, TypeError) as error:
        wanted = str(error) if isinstance(error, ValueError) else "a value"
        instead = "" if KEYS[name].secret else f", not {node.kind()}"
        raise node.place.error(f"{written or name} must be {wanted}{instead}") from None


def check_length(name: str, node: Node) -> None:
    """Raises UsageError for a text that no value needs, before it is copied for thousands of hosts."""
    items = node.value if isinstance(node.value, list) else [node]
    if any(isinstance(item.value, str) and len(item.value) > LONGEST for item in items):
        raise node.place.error(f"{name} is longer than {LONGEST} characters")


def over(far: Mapping[str, Any], near: Mapping[str, Any]) -> dict[str, Any]:
    """`near` over `far`; where a password comes from is one thing, whatever its key."""
    kept = {name: value for name, value in far.items() if name not in PASSWORDS or not set(PASSWORDS) & set(near)}
    return {**kept, **near}


class _Found(NamedTuple):
    """A host as it stands in one place: in which groups, with what they give it and what it says itself.

    What is `given` comes with how near it is: 0 from the defaults, 1 from an outer group, 2 from one in that.
    """

    name: str
    place: Place
    groups: tuple[str, ...]
    given: "Given"
    own: Mapping[str, Any]


Given = Mapping[str, tuple[int, Any]]


def _near(values: Mapping[str, Any], depth: int) -> Given:
    return {name: (depth, value) for name, value in values.items()}


def _group(pairs: Pairs, path: tuple[str, ...], values: Given) -> Iterator[_Found]:
    """The hosts of a group and of the groups in it, the group's own first."""
    if "hosts" in pairs:
        for name, where, own in _hosts(pairs["hosts"][1]):
            yield _Found(name, where, path, values, own)
    for name, (key, node) in mapping(pairs["groups"][1], "groups").items() if "groups" in pairs else ():
        group = mapping(node, "options, hosts and groups")
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", name):
            raise key.place.error(f"{name[:60]!r} is no name for a group")
        nearer = _near(_values(group, ("hosts", "groups")), len(path) + 1)
        yield from _group(group, (*path, name), over(values, nearer))


def _hosts(node: Node) -> Iterator[tuple[str, Place, dict[str, Any]]]:
    """Names, places and own values under `hosts:`, which maps names to keys or only lists names."""
    if isinstance(node.value, list):
        items: Iterable[tuple[Node, Node | None]] = [(item, None) for item in node.value]
    else:
        items = mapping(node, "hosts").values()
    for key, value in items:
        if not isinstance(key.value, (str, int)) or isinstance(key.value, bool):
            raise key.place.error(f"the name of a host is wanted here, not {key.kind()}")
        own = _values(mapping(value, "options"), (), host=True) if value else {}
        for name in expand(str(key.value), key.place):
            yield host_name(name, key.place), key.place, own


def host_name(name: str, place: Place) -> str:
    """A host's name, once it is seen to be one. Raises UsageError."""
    try:
        parts = parse_host(name)
    except HostStringError as error:
        raise place.error(str(error), error.hint) from None
    if parts.user or parts.port:
        raise place.error(f"{name[:60]!r} is more than a host's name", "user and ssh_port are keys of their own")
    return parts.host


def _joined(found: Iterable[_Found]) -> tuple[InventoryHost, ...]:
    """Each host once; one that is only named again joins that group too, as in Ansible. Raises UsageError."""
    hosts: dict[str, list[_Found]] = {}
    for number, host in enumerate(found):
        if number >= MOST:
            raise host.place.error(f"more than {MOST} hosts")
        before = hosts.setdefault(host.name, [])
        if any((host.own and one.own) or one.groups == host.groups for one in before):
            raise host.place.error(f"host {host.name} stands here a second time; first at {before[0].place}")
        before.append(host)
    joined = []
    for name, places in hosts.items():
        own = {key: value for place in places for key, value in place.own.items()}
        groups = tuple(group for place in places for group in place.groups)
        joined.append(InventoryHost(name, places[0].place, groups, over(_nearest_given(places, own), own)))
    return tuple(joined)


def _nearest_given(places: Sequence[_Found], own: Mapping[str, Any]) -> dict[str, Any]:
    """What the groups of all places give a host, the nearest of each kind. Raises UsageError for two as near."""

    def kind(name: str) -> str:
        return "password" if name in PASSWORDS else name

    best: dict[str, tuple[int, str, Any, Place]] = {}
    clashes: dict[str, UsageError] = {}
    for found in places:
        for name, (depth, value) in found.given.items():
            what = kind(name)
            known = best.get(what)
            if known is None or depth > known[0]:
                best[what] = (depth, name, value, found.place)
                clashes.pop(what, None)
            elif depth == known[0] and known[1:3] != (name, value):
                clashes[what] = found.place.error(
                    f"host {found.name} has two values of {what}: by {known[3]} and by this group",
                    f"give {what} at the host itself",
                )
    for what in sorted(clashes.keys() - {kind(name) for name in own}):
        raise clashes[what]
    return {name: value for _, name, value, _ in best.values()}


def _nearest(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name[:60].removeprefix("!"), known, 1, 0.5)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(dict.fromkeys(known))}"[:300]
