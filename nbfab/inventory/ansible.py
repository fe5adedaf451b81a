"""An Ansible inventory in YAML, as it is. Keys that are not understood are ignored, with a note for each.

A host whose address, port, user or connection is not understood is not contacted: another machine might be meant.
Sources: Ansible's user guide, "How to build your inventory", its plugins `ansible.builtin.yaml` and `host_group_vars`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from nbfab.errors import UsageError
from nbfab.inventory.hosts import Inventory, InventoryHost
from nbfab.inventory.keys import KEYS
from nbfab.inventory.ranges import LONGEST, MOST, expand
from nbfab.inventory.values import Pairs, check_length, check_passwords, host_name, mapping, merged, parsed, unknown
from nbfab.inventory.vars_files import VarsFiles
from nbfab.inventory.yaml12 import Faulty, Node, Place, Tagged, shown

NAMES = {
    "ansible_host": "address",
    "ansible_ssh_host": "address",
    "ansible_user": "user",
    "ansible_ssh_user": "user",
    "ansible_port": "ssh_port",
    "ansible_ssh_port": "ssh_port",
    "ansible_ssh_private_key_file": "identity",
    "ansible_private_key_file": "identity",
    "ansible_connection": "connection",
    "ansible_ssh_common_args": "common arguments",
    "ansible_ssh_extra_args": "extra arguments",
    **{f"nbfab_{name}": name for name in KEYS},
}
# These decide which machine is meant.
TARGET = ("address", "user", "ssh_port", "connection", "common arguments", "extra arguments")
OVER_SSH = ("ssh", "ansible.builtin.ssh", "smart", "paramiko", "paramiko_ssh", "ansible.netcommon.libssh")
DEEPEST = 100  # levels of groups

_OWN_NAME = re.compile(r"\{\{\s*inventory_hostname(_short)?\s*\}\}")
_PORT = re.compile(r"((?:[^:\[\]]|\[[^\[\]]*\])+):0*([0-9]+)")
_JUMP = re.compile(r"(?:^|\s)(?:-J\s*|-o\s*[\"']?ProxyJump[= ]\s*)([^\s\"']+)", re.IGNORECASE)


def looks_like(top: Pairs) -> bool:
    """Whether the top-level keys are Ansible's groups rather than nbfab's own keys."""
    if "all" in top:
        return True
    if set(top) & {"defaults", "groups", "hosts"}:
        return False
    inside = [node.value for _, node in top.values() if isinstance(node.value, dict)]
    return any({"hosts", "children", "vars"} & set(value) for value in inside)


class _Variable(NamedTuple):
    """A variable and its value, not checked yet: only the one nearest to a host matters."""

    name: str
    node: Node

    def value_for(self, host: str) -> Node | None:
        """The value for a host; None for a tagged one, and for a template that uses more than the host's name."""
        value = self.node.value
        check_length(self.name, self.node)
        if isinstance(value, str):
            value = _OWN_NAME.sub(lambda match: host.partition(".")[0] if match[1] else host, value)
        is_template = isinstance(value, str) and any(mark in value for mark in ("{{", "{%", "{#"))
        return None if is_template or isinstance(value, Tagged) else Node(value, self.node.place)


Values = Mapping[str, _Variable]


class _Reader:
    """Collects groups and hosts, which an Ansible inventory may mention in several places."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.parents: dict[str, set[str]] = {}
        self.vars: dict[str, dict[str, _Variable]] = {}
        self.hosts: dict[str, tuple[Place, list[str], dict[str, _Variable]]] = {}
        self.nameless: dict[str, UsageError] = {}
        self.ignored: dict[str, Place] = {}
        self.depths: dict[str, int] = {"all": 0}
        self.priorities: dict[str, int] = {}
        self.named = 0
        self.group_files = VarsFiles(path.parent / "group_vars")
        self.host_files = VarsFiles(path.parent / "host_vars")
        self._known: dict[tuple[str, ...], tuple[tuple[str, ...], dict[str, _Variable]]] = {}

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
        port = {"ssh_port": _Variable("the port in its name", Node(int(with_port[2][:6]), place))} if with_port else {}
        for found in expand(with_port[1] if with_port else text, place):
            self.named += 1
            if self.named > MOST:
                raise place.error(f"more than {MOST} hosts")
            try:
                name = host_name(found, place)
            except UsageError as error:
                name = found
                self.nameless.setdefault(name, error)
            _, groups, own = self.hosts.setdefault(name, (place, [], {**port}))
            if group not in groups:
                groups.append(group)
            own.update(values)

    def values(self, pairs: Pairs) -> dict[str, _Variable]:
        values: dict[str, _Variable] = {}
        for name, (key, node) in pairs.items():
            if name in NAMES:
                variable = values[NAMES[name]] = _Variable(name, node)
                # A wrong value of nbfab's own variables is an error even if no host uses it.
                if name.startswith("nbfab_") and variable.value_for("") and node.value is not None:
                    parsed(NAMES[name], node, name)
            elif name.startswith("nbfab_"):
                raise unknown(key, name, list(NAMES))
            else:
                self.ignored.setdefault(shown(name)[1:-1], key.place)
        check_passwords({name: pairs[name] for name in pairs if name in NAMES})
        return values

    def from_file(self, files: VarsFiles, name: str) -> dict[str, _Variable]:
        """The variables of a group or a host in the files beside the inventory, with a note on what each file loses."""
        values: dict[str, _Variable] = {}
        for place, pairs in files.of(name):
            known = {key: pair for key, pair in pairs.items() if key in NAMES or key.startswith("nbfab_")}
            if len(known) < len(pairs) or not pairs:
                self.ignored.setdefault(f"the rest of {place.file}" if known else f"all of {place.file}", place)
            values |= self.values(known)
        return values

    def given(self, groups: Sequence[str]) -> tuple[tuple[str, ...], dict[str, _Variable]]:
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
        try:
            if name in self.nameless:
                raise self.nameless[name]
            return InventoryHost(name, place, ranked, self.resolved(name, variables))
        except UsageError as error:
            return InventoryHost(name, place, ranked, unread=error)

    def resolved(self, host: str, variables: Values) -> dict[str, Any]:
        """The values of a host. Raises UsageError if it is uncertain which machine is meant."""
        values: dict[str, Any] = {}
        for key, one in variables.items():
            variable, place = one.name, one.node.place
            node = one.value_for(host)
            if node is None and key in TARGET:
                raise place.error(f"cannot evaluate {variable}", "write its value out")
            if node is None:
                self.ignored.setdefault(variable, place)
            elif node.value is None:
                pass  # unset, which also hides values farther away
            elif key == "connection":
                if node.value not in OVER_SSH:
                    raise place.error("Ansible does not reach it over SSH either", f"exclude it: --limit '!{host}'")
            elif key in ("common arguments", "extra arguments"):
                jump = _JUMP.search(str(node.value))
                if jump:
                    values.setdefault("jump", parsed("jump", Node(jump[1], place), variable))
                elif "proxycommand" in str(node.value).lower():
                    raise place.error(f"ProxyCommand in {variable} is not supported", "put it into ssh_config")
                else:
                    self.ignored.setdefault(variable, place)
            else:
                values[key] = parsed(key, node, variable)
        return values


def _members(node: Node, what: str) -> Iterator[tuple[Node, Node]]:
    """The names under `hosts:` or `children:` and what belongs to each; a single name may be given as text."""
    if isinstance(node.value, str):
        yield node, Node(None, node.place)
    else:
        yield from mapping(node, what).values()


def build(top: Pairs, path: Path) -> Inventory:
    """The inventory that Ansible's groups describe."""
    reader = _Reader(path)
    for name, (_, node) in top.items():
        reader.group(name, node, "")
    hosts = tuple(reader.host(name, *found) for name, found in reader.hosts.items())
    if not hosts:
        raise Place(path.name).error("no hosts in this file", "all: {hosts: {gpu1: }}")
    notes = (f"{place}: {name[:80]} is not understood and is ignored" for name, place in reader.ignored.items())
    return Inventory(path, hosts, tuple(notes))
