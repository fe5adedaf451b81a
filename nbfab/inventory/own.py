"""An inventory in nbfab's own format: defaults, nested groups, and hosts; all checked before any is contacted."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from nbfab.errors import UsageError
from nbfab.inventory.hosts import Inventory, InventoryHost
from nbfab.inventory.keys import KEYS, PASSWORDS
from nbfab.inventory.place import Place
from nbfab.inventory.ranges import MOST, expand
from nbfab.inventory.values import Pairs, check_passwords, host_name, mapping, merged, parsed, unknown
from nbfab.inventory.yaml12 import Node


def build(top: Pairs, path: Path) -> Inventory:
    """The inventory in a file, from its top-level keys. Raises UsageError."""
    known = ("defaults", "groups", "hosts")
    for name, (key, node) in top.items():
        if name not in known:
            raise unknown(key, name, known, node)
    defaults = _values(mapping(top["defaults"][1], "options"), ()) if "defaults" in top else {}
    hosts = _joined(_group(top, (), _near(defaults, 0)))
    if not hosts:
        raise Place(path.name).error("no hosts in this file", "hosts: {gpu1: }")
    return Inventory(path, hosts)


def _values(pairs: Pairs, more: Sequence[str], *, host: bool = False) -> dict[str, Any]:
    """The checked values of keys; `more` are other names that are allowed here."""
    values: dict[str, Any] = {}
    for name, (key, node) in pairs.items():
        if name in more:
            continue
        definition = KEYS.get(name)
        if definition is None or (definition.host and not host):
            if definition is not None:
                raise key.place.error(f"{name} belongs to a host, not to a group or to defaults")
            names = [key for key, of in KEYS.items() if host or not of.host]
            raise unknown(key, name, [*names, *more], node)
        values[name] = parsed(name, node)
    check_passwords({name: pairs[name] for name in values})
    return values


class _Found(NamedTuple):
    """One mention of a host: its groups there, the values that they give it, and its own values.

    Each `given` value comes with its depth: 0 for the defaults, 1 for an outer group, 2 for a group inside it.
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
    """The hosts of a group and of the groups inside it, the group's own hosts first."""
    if "hosts" in pairs:
        for name, where, own in _hosts(pairs["hosts"][1]):
            yield _Found(name, where, path, values, own)
    for name, (key, node) in mapping(pairs["groups"][1], "groups").items() if "groups" in pairs else ():
        group = mapping(node, "options, hosts and groups")
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", name):
            raise key.place.error(f"{name[:60]!r} is not a valid group name")
        nearer = _near(_values(group, ("hosts", "groups")), len(path) + 1)
        yield from _group(group, (*path, name), merged(values, nearer))


def _hosts(node: Node) -> Iterator[tuple[str, Place, dict[str, Any]]]:
    """Names, places and own values under `hosts:`, a mapping of names to keys or a list of names."""
    if isinstance(node.value, list):
        items: Iterable[tuple[Node, Node | None]] = [(item, None) for item in node.value]
    else:
        items = mapping(node, "hosts").values()
    for key, value in items:
        if not isinstance(key.value, (str, int)) or isinstance(key.value, bool):
            raise key.place.error(f"expected a host name, not {key.kind()}")
        if value and str(key.value) in KEYS and not isinstance(value.value, dict | None):
            error = f"{key.value} stands where the name of a host should be"
            raise key.place.shown(error, "indent it further than the host that it belongs to")
        keys = f"write it as {key.value}: {{address: ...}}"
        own = _values(mapping(value, "options", keys), (), host=True) if value else {}
        for name in expand(str(key.value), key.place):
            yield host_name(name, key.place), key.place, own


def _joined(found: Iterable[_Found]) -> tuple[InventoryHost, ...]:
    """Each host once; a second mention without values adds it to that group, as in Ansible. Raises UsageError."""
    hosts: dict[str, list[_Found]] = {}
    for number, host in enumerate(found):
        if number >= MOST:
            raise host.place.error(f"more than {MOST} hosts")
        before = hosts.setdefault(host.name, [])
        if any((host.own and one.own) or one.groups == host.groups for one in before):
            raise host.place.error(f"duplicate host {host.name}; first at {before[0].place}")
        before.append(host)
    joined = []
    for name, places in hosts.items():
        own = {key: value for place in places for key, value in place.own.items()}
        groups = tuple(group for place in places for group in place.groups)
        joined.append(InventoryHost(name, places[0].place, groups, merged(_nearest_given(places, own), own)))
    return tuple(joined)


def _nearest_given(places: Sequence[_Found], own: Mapping[str, Any]) -> dict[str, Any]:
    """The values that its groups give a host, the nearest of each kind. Raises UsageError for a tie."""

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
                    f"host {found.name} gets two values of {what}: from {known[3]} and from this group",
                    f"set {what} on the host itself",
                )
    for what in sorted(clashes.keys() - {kind(name) for name in own}):
        raise clashes[what]
    return {name: value for _, name, value, _ in best.values()}
