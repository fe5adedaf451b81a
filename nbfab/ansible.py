"""An Ansible inventory in YAML, read as it is; what is not understood is left out, with a line for each such key.

Source: Ansible's user guide, "How to build your inventory", and its plugin `ansible.builtin.yaml`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbfab.inventory import Inventory, InventoryHost, Pairs, host_name, mapping, over, parsed
from nbfab.inventory_keys import KEYS
from nbfab.ranges import MOST, expand
from nbfab.yaml12 import Node, Place

NAMES = {
    "ansible_host": "address",
    "ansible_user": "user",
    "ansible_port": "ssh_port",
    "ansible_ssh_private_key_file": "identity",
    **{f"nbfab_{name}": name for name in KEYS},
}


def looks_like(top: Pairs) -> bool:
    """Whether the keys at the top are groups, as Ansible has them, and not nbfab's own."""
    if set(top) & {"defaults", "groups", "hosts"} or not top:
        return False
    inside = [node.value for _, node in top.values() if isinstance(node.value, dict)]
    return "all" in top or any({"hosts", "children", "vars"} & set(value) for value in inside)


class _Reader:
    """Gathers groups and hosts, which an Ansible inventory may name in several places."""

    def __init__(self) -> None:
        self.parents: dict[str, set[str]] = {}
        self.vars: dict[str, dict[str, Any]] = {}
        self.hosts: dict[str, tuple[Place, list[str], dict[str, Any]]] = {}
        self.ignored: dict[str, Place] = {}
        self.depths: dict[str, int] = {"all": 0}
        self.named = 0

    def group(self, name: str, node: Node, parent: str) -> None:
        self.parents.setdefault(name, set())
        if parent:
            self.parents[name].add(parent)
        for key, (at, value) in mapping(node, "hosts, children and vars").items():
            if key == "vars":
                self.vars.setdefault(name, {}).update(self.values(mapping(value, "variables")))
            elif key == "children":
                for child, (_, inside) in mapping(value, "groups").items():
                    self.group(child, inside, name)
            elif key == "hosts":
                for pattern, (where, own) in mapping(value, "hosts").items():
                    values = self.values(mapping(own, "variables"))
                    for host in expand(pattern, where.place):
                        self.named += 1
                        if self.named > MOST:
                            raise where.place.error(f"more than {MOST} hosts")
                        self.host(host_name(host, where.place), where.place, name, values)
            else:
                self.ignored.setdefault(f"{name}: {key}", at.place)

    def host(self, name: str, place: Place, group: str, values: Mapping[str, Any]) -> None:
        _, groups, own = self.hosts.setdefault(name, (place, [], {}))
        if group not in groups:
            groups.append(group)
        own.update(values)

    def values(self, pairs: Pairs) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, (key, node) in pairs.items():
            if name == "ansible_host" and isinstance(node.value, str) and "{{" in node.value:
                # Without it another machine might be meant.
                raise node.place.error("a template, which is not read here", "write the address out")
            if name not in NAMES or (isinstance(node.value, str) and "{{" in node.value):
                self.ignored.setdefault(name, key.place)
            else:
                values[NAMES[name]] = parsed(NAMES[name], node)
        return values

    def ancestors(self, groups: list[str]) -> list[str]:
        """All groups that a host is in, as Ansible ranks them: by depth, then by name; later ones win."""
        found: set[str] = set()
        todo = list(groups)
        while todo:
            group = todo.pop()
            if group not in found:
                found.add(group)
                todo += self.parents.get(group, ())
        return sorted(found, key=lambda group: (self.depth(group), group))

    def depth(self, group: str) -> int:
        if group not in self.depths:
            self.depths[group] = 0  # so that a circle ends
            self.depths[group] = 1 + max(map(self.depth, self.parents.get(group, ())), default=0)
        return self.depths[group]


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
        member = tuple(group for group in ranked if group != "all")
        hosts.append(InventoryHost(name, place, member, over(values, own)))
    if not hosts:
        raise Place(path.name).error("no hosts in it", "all: {hosts: {gpu1: }}")
    notes = tuple(f"{place}: {name} is not understood here, and left out" for name, place in reader.ignored.items())
    return Inventory(path, tuple(hosts), notes)
