"""An Ansible inventory: its groups and hosts, and the variables of each, nearest last.

Keys that are not understood are ignored, with a note for each. `ansible_host.py` says what a host's variables mean.
Sources: Ansible's user guide, "How to build your inventory", its plugins `ansible.builtin.yaml` and `host_group_vars`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from nbfab.errors import UsageError
from nbfab.inventory import ansible_config
from nbfab.inventory.ansible_host import Host, Variable, key_of
from nbfab.inventory.ansible_program import Listed, is_config
from nbfab.inventory.hosts import Inventory, InventoryHost
from nbfab.inventory.keys import KEYS
from nbfab.inventory.place import Place
from nbfab.inventory.ranges import LONGEST, MOST, expand
from nbfab.inventory.values import Pairs, check_passwords, host_name, mapping, merged, parsed, unknown
from nbfab.inventory.vars_files import VarsFiles
from nbfab.inventory.yaml12 import Faulty, Node, Tagged, shown
from nbfab.text import clean

DEEPEST = 100  # levels of groups

_PORT = re.compile(r"((?:[^:\[\]]|\[[^\[\]]*\])+):0*([0-9]+)")


def looks_like(top: Pairs) -> bool:
    """Whether the top-level keys are Ansible's groups rather than nbfab's own keys."""
    if "all" in top:
        return True
    if set(top) & {"defaults", "groups", "hosts"}:
        return False
    inside = [node.value for _, node in top.values() if isinstance(node.value, dict)]
    return any({"hosts", "children", "vars"} & set(value) for value in inside)


Values = Mapping[str, Variable]


class _Reader:
    """Collects groups and hosts, which an Ansible inventory may mention in several places."""

    def __init__(self, path: Path, *, named: bool, beside: bool, config: Values) -> None:
        self.path = path
        self.named, self.config = named, config
        self.parents: dict[str, set[str]] = {}
        self.vars: dict[str, dict[str, Variable]] = {}
        self.hosts: dict[str, tuple[Place, list[str], dict[str, Variable]]] = {}
        self.nameless: dict[str, UsageError] = {}
        self.ignored: dict[str, Place] = {}
        self.depths: dict[str, int] = {"all": 0}
        self.priorities: dict[str, int] = {}
        self.size = 0
        self.group_files = VarsFiles(path.parent / "group_vars") if beside else None
        self.host_files = VarsFiles(path.parent / "host_vars") if beside else None
        self._known: dict[tuple[str, ...], tuple[tuple[str, ...], dict[str, Variable]]] = {}

    def group(self, name: str, node: Node, parent: str) -> None:
        self.parents.setdefault(name, set())
        if parent:
            self.parents[name].add(parent)
        if not isinstance(node.value, dict | Faulty | None):
            self.ignored.setdefault(shown(name)[1:-1], node.place)
            return
        for key, (at, value) in mapping(node, "hosts, children and vars").items():
            if key == "vars":
                self.variables(name, mapping(value, "variables"))
            elif key == "children":
                for child, inside in _members(value, "groups"):
                    self.group(str(child.value), inside, name)
            elif key == "hosts":
                for pattern, own in _members(value, "hosts"):
                    self.mention(pattern, self.values(mapping(own, "variables")), name)
            else:
                self.ignored.setdefault(f"{name}: {shown(key)[1:-1]}", at.place)

    def variables(self, group: str, pairs: Pairs) -> None:
        own = dict(pairs)
        _, priority = own.pop("ansible_group_priority", (None, None))
        if priority and re.fullmatch(r"-?[0-9]{1,9}", str(priority.value)):
            self.priorities[group] = int(priority.value)
        self.vars.setdefault(group, {}).update(self.values(own))

    def mention(self, pattern: Node, values: Values, group: str) -> None:
        """Adds the hosts of a line under `hosts:`, such as `gpu[01:30]:2222`, to a group."""
        place, text = pattern.place, str(pattern.value)
        with_port = _PORT.fullmatch(text) if len(text) <= LONGEST else None
        port = (
            {"ansible_port": Variable("the port in its name", Node(int(with_port[2][:6]), place))} if with_port else {}
        )
        for found in expand(with_port[1] if with_port else text, place):
            self.add(found, place, values, group, port)

    def add(self, name: str, place: Place, values: Values, group: str, first: Values) -> None:
        """Adds a host to a group; `first` are values that only its first mention gives it."""
        self.size += 1
        if self.size > MOST:
            raise place.error(f"more than {MOST} hosts")
        try:
            name = host_name(name, place)
        except UsageError as error:
            self.nameless.setdefault(name, error)
        _, groups, own = self.hosts.setdefault(name, (place, [], {**first}))
        if group not in groups:
            groups.append(group)
        own.update(values)

    def values(self, pairs: Pairs) -> dict[str, Variable]:
        values: dict[str, Variable] = {}
        for name, (key, node) in pairs.items():
            if meant := key_of(name):
                variable = values[meant] = Variable(name, node)
                # A wrong value of nbfab's own variables is an error even if no host uses it.
                if meant in KEYS and variable.value_for("") and node.value is not None:
                    parsed(meant, node, name)
            elif name.startswith("nbfab_"):
                raise unknown(key, name, [f"nbfab_{of}" for of in KEYS], node)
            else:
                self.ignored.setdefault(shown(name)[1:-1], key.place)
        check_passwords({name: pairs[name] for name in pairs if key_of(name)})
        return values

    def from_file(self, files: VarsFiles | None, name: str) -> dict[str, Variable]:
        """The variables of a group or a host in the files beside the inventory, with a note on what each file loses."""
        values: dict[str, Variable] = {}
        for place, pairs in files.of(name) if files else ():
            known = {key: pair for key, pair in pairs.items() if key_of(key) or key.startswith("nbfab_")}
            if len(known) < len(pairs) or not pairs:
                self.ignored.setdefault(f"the rest of {place.file}" if known else f"all of {place.file}", place)
            values |= self.values(known)
        return values

    def given(self, groups: Sequence[str]) -> tuple[tuple[str, ...], dict[str, Variable]]:
        """All groups of a host that is in those, in Ansible's order, and their variables; later groups win."""
        key = tuple(groups)
        if key not in self._known:
            ranked = self.ranked(groups)
            values: dict[str, Any] = {}
            for group in ("all", *ranked):
                values = merged(values, self.vars.get(group, {}))
            for group in ("all", *ranked):
                values = merged(values, self.from_file(self.group_files, group))
            self._known[key] = (ranked, values)
        return self._known[key]

    def ranked(self, groups: Sequence[str]) -> tuple[str, ...]:
        """By depth, priority and name; a host is in `ungrouped` if, and only if, it is in no other group."""
        grouped = bool(self.above(groups) - {"all", "ungrouped"})
        found = self.above(groups) - {"all", "ungrouped"} if grouped else self.above([*groups, "ungrouped"]) - {"all"}
        return tuple(sorted(found, key=lambda group: (self.depth(group), self.priorities.get(group, 1), group)))

    def above(self, groups: Iterable[str]) -> set[str]:
        """Those groups, and all groups around them."""
        found: set[str] = set()
        todo = list(groups)
        while todo:
            group = todo.pop()
            if group not in found:
                found.add(group)
                todo += self.parents.get(group, ())
        return found

    def depth(self, group: str, level: int = 0) -> int:
        if level > DEEPEST:
            raise Place(self.path.name).error(f"groups nested more than {DEEPEST} deep")
        if group not in self.depths:
            self.depths[group] = 0  # ends a cycle
            self.depths[group] = 1 + max(
                (self.depth(parent, level + 1) for parent in self.parents.get(group, ())), default=0
            )
        return self.depths[group]

    def host(self, name: str, place: Place, groups: Sequence[str], own: Values) -> InventoryHost:
        ranked, values = self.given(groups)
        variables = merged(merged(values, own), self.from_file(self.host_files, name))
        given = {key: variable for key, variable in variables.items() if variable.node.value is not None}
        try:
            if name in self.nameless:
                raise self.nameless[name]
            one = Host(name, {**self.config, **given}, self.path, self.named)
            return InventoryHost(name, place, ranked, one.values(self.ignored))
        except UsageError as error:
            return InventoryHost(name, place, ranked, unread=error)

    def inventory(self, notes: Iterable[str]) -> Inventory:
        """All hosts that were found. Raises UsageError if there are none."""
        hosts = tuple(self.host(name, *found) for name, found in self.hosts.items())
        if not hosts:
            raise Place(self.path.name).error("no hosts in this file", "all: {hosts: {gpu1: }}")
        return Inventory(self.path, hosts, tuple(notes))


def _members(node: Node, what: str) -> Iterator[tuple[Node, Node]]:
    """The names under `hosts:` or `children:` and what belongs to each; a single name may be given as text."""
    if isinstance(node.value, str):
        yield node, Node(None, node.place)
    else:
        yield from mapping(node, what).values()


def build(top: Pairs, path: Path, *, named: bool = False) -> Inventory:
    """The inventory that Ansible's groups describe; `named` is whether the user named its file. Raises UsageError."""
    used = ansible_config.in_force()
    reader = _Reader(path, named=named, beside=True, config=_configured(used))
    for name, (_, node) in top.items():
        reader.group(name, node, "")
    found = reader.inventory(ansible_config.note(path, used))
    ignored = (f"{place}: {name[:80]} is not understood and is ignored" for name, place in reader.ignored.items())
    return replace(found, notes=(*ignored, *found.notes))


def from_list(found: Listed, warnings: Iterable[str], path: Path) -> Inventory:
    """The inventory in what `ansible-inventory --list` prints, which has merged all variables. Raises UsageError."""
    used = path if is_config(path) else ansible_config.in_force()
    reader = _Reader(path, named=True, beside=False, config=_configured(used))
    values = _mapping(_mapping(found.get("_meta")).get("hostvars"))
    for group, inside in found.items():
        members = _mapping(inside)
        for child in _names(members.get("children")):
            reader.parents.setdefault(child, set()).add(group)
        for name in _names(members.get("hosts")):
            place = Place(f"{path}, host {clean(name)[:60]}", 0)
            own = {key: (Node(key, place), _node(value, place)) for key, value in _mapping(values.get(name)).items()}
            reader.add(name, place, reader.values(own), group, {})
    near = [] if is_config(path) else ansible_config.note(path, used)
    inventory = reader.inventory((*warnings, *near))
    ignored = [name[:80] for name in reader.ignored]
    more = f" and {len(ignored) - 5} more" if len(ignored) > 5 else ""
    note = f"{path}: not understood and ignored: {', '.join(ignored[:5])}{more}"
    return replace(inventory, notes=(*([note] if ignored else []), *inventory.notes))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _names(value: Any) -> list[str]:
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []


def _node(value: Any, place: Place) -> Node:
    """A value as if it had been read from YAML; one that Ansible has not decrypted stays unread."""
    if isinstance(value, dict):
        if "__ansible_vault" in value:
            return Node(Tagged("!vault"), place)
        return _node(value["__ansible_unsafe"], place) if "__ansible_unsafe" in value else Node({}, place)
    if isinstance(value, list):
        return Node([_node(item, place) for item in value], place)
    return Node(value.encode(errors="replace").decode() if isinstance(value, str) else value, place)


def _configured(file: Path | None) -> Values:
    """What Ansible's configuration says, as the variables that take precedence over it."""
    return {
        variable: Variable(name, node)
        for variable, (name, node) in ansible_config.settings(file).items()
        if node.value is not None
    }
