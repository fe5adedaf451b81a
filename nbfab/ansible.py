"""An Ansible inventory in YAML, read as it is; what is not understood is left out, with a line for each such key.

Source: Ansible's user guide, "How to build your inventory", and its plugin `ansible.builtin.yaml`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbfab.errors import UsageError
from nbfab.inventory import Inventory, InventoryHost, Pairs, host_name, mapping, over, parsed
from nbfab.inventory_keys import KEYS
from nbfab.ranges import MOST, expand
from nbfab.yaml12 import Node, Place, Tagged

NAMES = {
    "ansible_host": "address",
    "ansible_user": "user",
    "ansible_port": "ssh_port",
    "ansible_ssh_private_key_file": "identity",
    **{f"nbfab_{name}": name for name in KEYS},
}

_OWN_NAME = re.compile(r"\{\{\s*inventory_hostname(_short)?\s*\}\}")
_PORT = re.compile(r"((?:[^:\[\]]|\[[^\[\]]*\])+):([0-9]+)")


def looks_like(top: Pairs) -> bool:
    """Whether the keys at the top are groups, as Ansible has them, and not nbfab's own."""
    if set(top) & {"defaults", "groups", "hosts"} or not top:
        return False
    inside = [node.value for _, node in top.values() if isinstance(node.value, dict)]
    return "all" in top or any({"hosts", "children", "vars"} & set(value) for value in inside)


@dataclass(frozen=True)
class _Template:
    """A value that is known once the host's name is, or never."""

    key: str
    variable: str
    node: Node

    def filled(self, host: str) -> Node | None:
        """The value for a host; None for a template that asks for more than the host's name, and for what is tagged."""
        if isinstance(self.node.value, Tagged):
            return None
        text = _OWN_NAME.sub(lambda match: host.partition(".")[0] if match[1] else host, self.node.value)
        return None if _is_template(text) else Node(text, self.node.place)


def _is_template(value: Any) -> bool:
    return isinstance(value, Tagged) or (isinstance(value, str) and ("{{" in value or "{%" in value))


class _Reader:
    """Gathers groups and hosts, which an Ansible inventory may name in several places."""

    def __init__(self) -> None:
        self.parents: dict[str, set[str]] = {}
        self.vars: dict[str, dict[str, Any]] = {}
        self.hosts: dict[str, tuple[Place, list[str], dict[str, Any]]] = {}
        self.ignored: dict[str, Place] = {}
        self.unread: dict[str, UsageError] = {}
        self.depths: dict[str, int] = {"all": 0}
        self.priorities: dict[str, int] = {}
        self.named = 0

    def group(self, name: str, node: Node, parent: str) -> None:
        self.parents.setdefault(name, set())
        if parent:
            self.parents[name].add(parent)
        if not isinstance(node.value, dict | None):
            self.ignored.setdefault(name, node.place)
            return
        for key, (at, value) in mapping(node, "hosts, children and vars").items():
            if key == "vars":
                self.variables(name, mapping(value, "variables"))
            elif key == "children":
                for child, inside in _members(value, "groups"):
                    self.group(str(child.value), inside, name)
            elif key == "hosts":
                for pattern, own in _members(value, "hosts"):
                    self.named_here(pattern, self.values(mapping(own, "variables").items()), name)
            else:
                self.ignored.setdefault(f"{name}: {key}", at.place)

    def variables(self, group: str, pairs: Pairs) -> None:
        own = dict(pairs)
        _, priority = own.pop("ansible_group_priority", (None, None))
        if priority and (type(priority.value) is int or str(priority.value).isdecimal()):
            self.priorities[group] = int(priority.value)
        self.vars.setdefault(group, {}).update(self.values(own.items()))

    def named_here(self, pattern: Node, values: Mapping[str, Any], group: str) -> None:
        """Hosts that a group names, `gpu[01:30]:2222` as well."""
        place = pattern.place
        with_port = _PORT.fullmatch(str(pattern.value))
        text = with_port[1] if with_port else str(pattern.value)
        port = {"ssh_port": parsed("ssh_port", Node(int(with_port[2][:6]), place))} if with_port else {}
        for name in expand(text, place):
            self.named += 1
            if self.named > MOST:
                raise place.error(f"more than {MOST} hosts")
            _, groups, own = self.hosts.setdefault(host_name(name, place), (place, [], {**port}))
            if group not in groups:
                groups.append(group)
            own.update(values)

    def values(self, pairs: Iterable[tuple[str, tuple[Node, Node]]]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, (key, node) in pairs:
            if name not in NAMES:
                self.ignored.setdefault(name, key.place)
            elif _is_template(node.value):
                values[NAMES[name]] = _Template(NAMES[name], name, node)
            else:
                values[NAMES[name]] = parsed(NAMES[name], node)
        return values

    def filled(self, host: str, values: Mapping[str, Any]) -> dict[str, Any] | None:
        """The values of a host; None where its address cannot be known, as another machine might be meant."""
        filled: dict[str, Any] = {}
        for key, value in values.items():
            node = value.filled(host) if isinstance(value, _Template) else None
            if not isinstance(value, _Template):
                filled[key] = value
            elif node:
                filled[key] = parsed(key, node)
            elif key == "address":
                what = f"ansible_host is not understood here, and the host {host} left out"
                self.unread[host] = value.node.place.error(what, "write its address out")
                return None
            else:
                self.ignored.setdefault(value.variable, value.node.place)
        return filled

    def ancestors(self, groups: list[str]) -> list[str]:
        """All groups that a host is in, as Ansible ranks them: by depth, priority and name; later ones win."""
        found: set[str] = set()
        todo = list(groups)
        while todo:
            group = todo.pop()
            if group not in found:
                found.add(group)
                todo += self.parents.get(group, ())
        return sorted(found, key=lambda group: (self.depth(group), self.priorities.get(group, 1), group))

    def depth(self, group: str) -> int:
        if group not in self.depths:
            self.depths[group] = 0  # so that a circle ends
            self.depths[group] = 1 + max(map(self.depth, self.parents.get(group, ())), default=0)
        return self.depths[group]


def _members(node: Node, what: str) -> Iterator[tuple[Node, Node]]:
    """The names under `hosts:` or `children:` and what is said of each; one alone may stand there as a text."""
    if isinstance(node.value, str):
        yield node, Node(None, node.place)
    else:
        yield from mapping(node, what).values()


def build(top: Pairs, path: Path) -> Inventory:
    """The inventory that Ansible's groups describe."""
    reader = _Reader()
    for name, (_, node) in top.items():
        reader.group(name, node, "")
    hosts = []
    for name, (place, groups, own) in reader.hosts.items():
        values: dict[str, Any] = reader.vars.get("all", {})
        ranked = reader.ancestors(groups)
        for group in ranked:
            values = over(values, reader.vars.get(group, {}))
        filled = reader.filled(name, over(values, own))
        if filled is not None:
            hosts.append(InventoryHost(name, place, tuple(group for group in ranked if group != "all"), filled))
    if not hosts:
        none = Place(path.name).error("no hosts in it", "all: {hosts: {gpu1: }}")
        raise next(iter(reader.unread.values()), none)
    notes = [f"{place}: {name} is not understood here, and left out" for name, place in reader.ignored.items()]
    return Inventory(path, tuple(hosts), (*notes, *map(str, reader.unread.values())), reader.unread)
