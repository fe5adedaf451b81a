"""One host of an Ansible inventory: which of its variables count, as in Ansible's connection plugin `ssh`.

A host of which it is uncertain which machine, user or key is meant is refused: another one might be taken.
"""

import re
from collections.abc import Iterator, Mapping, Set
from pathlib import Path
from typing import Any, NamedTuple

from nbfab.errors import UsageError
from nbfab.fix import task
from nbfab.inventory import ssh_args
from nbfab.inventory.keys import KEYS
from nbfab.inventory.place import Place
from nbfab.inventory.ssh_args import Argument
from nbfab.inventory.values import check_length, parsed
from nbfab.inventory.yaml12 import Node, Tagged

# The first that is set counts, wherever each stands.
SPELLINGS = {
    "address": ("ansible_ssh_host", "ansible_host"),
    "user": ("ansible_ssh_user", "ansible_user"),
    "ssh_port": ("ansible_ssh_port", "ansible_port"),
    "identity": ("ansible_ssh_private_key_file", "ansible_private_key_file"),
}
TARGET = ("address", "user", "ssh_port", "jump")  # they decide which machine is meant
# Ansible's command line: these arguments, then what the variables above become, then those. ssh takes the first value.
EARLY = "ansible_ssh_args"
ARGUMENTS = (EARLY, "ansible_ssh_common_args", "ansible_ssh_extra_args")
CONNECTION, EXECUTABLE = "ansible_connection", "ansible_ssh_executable"
OVER_SSH = ("ssh", "ansible.builtin.ssh", "smart")
OTHERS = ("paramiko", "paramiko_ssh", "ansible.builtin.paramiko_ssh", "ansible.netcommon.libssh")
KNOWN = (*(name for names in SPELLINGS.values() for name in names), *ARGUMENTS, CONNECTION, EXECUTABLE)

_OF_OTHERS = re.compile("ansible_(paramiko|libssh)_(host|port|user|private_key_file|proxy_command|config_file)")
_SHORT, _WHOLE = "\0", "\0.\0"  # stand for the name of a host among the arguments, without its domain and with it
_BLANK = str.maketrans("\t\n", "  ")
_OWN_NAME = re.compile(r"\{\{\s*inventory_hostname(_short)?\s*\}\}")


def key_of(variable: str) -> str:
    """The key of a variable that means something here: its name, without nbfab_ for nbfab's own; empty for others."""
    if variable.removeprefix("nbfab_") in KEYS and variable.startswith("nbfab_"):
        return variable.removeprefix("nbfab_")
    return variable if variable in KNOWN or _OF_OTHERS.fullmatch(variable) else ""


class Variable(NamedTuple):
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

    def known_for(self, host: str) -> Node:
        """The value for a host. Raises UsageError if it cannot be told."""
        value = self.value_for(host)
        if value is None:
            raise self.node.place.error(f"cannot evaluate {self.name}", "write its value out")
        return value


class Host(NamedTuple):
    """A host and its variables, by their keys: of each the nearest, without those that are null.

    `file` is the inventory, and `named` whether it was named on the command line.
    """

    name: str
    variables: Mapping[str, Variable]
    file: Path
    named: bool

    def values(self, ignored: dict[str, Place]) -> dict[str, Any]:
        """The values that count. Adds what may go by without harm to `ignored`. Raises UsageError."""
        self._check_connection()
        chosen = {key: variable for key, variable in self.variables.items() if key in KEYS}
        own = frozenset(chosen)  # nbfab's own variables, which come before Ansible's
        for key, names in SPELLINGS.items():
            if key not in own and (name := next((name for name in names if name in self.variables), None)):
                chosen[key] = self.variables[name]
        values: dict[str, Any] = {}
        for key, variable in chosen.items():
            if variable.value_for(self.name) is None and key not in TARGET:
                ignored.setdefault(variable.name, variable.node.place)
            else:
                values[key] = parsed(key, variable.known_for(self.name), variable.name)
        return values | self._from_arguments(values, own)

    def _check_connection(self) -> None:
        """Raises UsageError unless Ansible would use `ssh`, or something that gets to the same machine."""
        connection, executable = self.variables.get(CONNECTION), self.variables.get(EXECUTABLE)
        kind = connection.known_for(self.name).value if connection else "ssh"
        if connection and kind not in (*OVER_SSH, *OTHERS):
            raise connection.node.place.error(
                "Ansible does not reach it over SSH either", f"exclude it from --limit: !{self.name}"
            )
        if kind in OTHERS:
            names = [name for name in self.variables if _OF_OTHERS.fullmatch(name)]
            names += [name for name in ARGUMENTS if any(self._arguments(name))]
            if names:
                variable = self.variables[names[0]]
                raise variable.node.place.error(
                    f"{variable.name} cannot be honoured where Ansible connects by {kind}", f"set it: {CONNECTION}: ssh"
                )
        elif executable and str(executable.known_for(self.name).value).rpartition("/")[2] != "ssh":
            raise executable.node.place.error(f"{executable.name} is another program than ssh", "put it into PATH")

    def _arguments(self, name: str) -> Iterator[Argument]:
        """The arguments for ssh in a variable, those that count. Raises UsageError."""
        variable = self.variables.get(name)
        if variable is None:
            return
        node = variable.known_for(_WHOLE)  # a name that no shell splits; the host's own is filled in afterwards
        if not isinstance(node.value, str):
            raise node.place.error(f"{variable.name} must be text, not {node.kind(shown=False)}")
        if not str(variable.node.value).translate(_BLANK).isprintable():
            raise node.place.error(f"{variable.name} has a character that no argument can have")
        found = ssh_args.arguments(node.value, variable.name, node.place)
        if isinstance(found, UsageError):
            raise found
        for argument in found:
            if _SHORT in argument.value:
                argument = argument.filled_in(_WHOLE, self.name).filled_in(_SHORT, self.name.partition(".")[0])
            yield argument

    def _from_arguments(self, values: Mapping[str, Any], own: Set[str]) -> dict[str, Any]:
        """What the arguments for ssh give beside the values of variables, or instead of them, except for `own`."""
        found: dict[str, Any] = {}
        words: list[str] = []
        commanded = False  # by a ProxyCommand
        for name in ARGUMENTS:
            for argument in self._arguments(name):
                key = argument.key
                if key in own:
                    continue
                if key == "ssh_config":  # the last one counts
                    found[key] = self._checked(argument, "-F").value
                elif key in ("ssh_port", "user"):  # the first one counts, a variable's value among them
                    if key not in found and (name == EARLY or key not in values):
                        found[key] = _parsed(key, argument)
                elif argument.keyword == "proxycommand":
                    if not commanded and not found.get("jump"):  # but it counts beside `ProxyJump none`
                        commanded = True
                        words += self._checked(argument, "ProxyCommand").words
                elif key == "jump":
                    if not commanded and key not in found:
                        found[key] = _parsed(key, argument)
                else:
                    words += argument.words
        return found | ({"ssh_options": tuple(words)} if words else {})

    def _checked(self, argument: Argument, what: str) -> Argument:
        """An argument that can run programs. Raises UsageError in a file that merely lies in the current folder."""
        if not (self.named or argument.variable.startswith("ANSIBLE_")):  # those of the environment are the user's own
            raise argument.place.error(
                f"{what} in {argument.variable} can run programs, so it counts only in a file that is named",
                task("fleet.plan", f"--inventory={self.file}"),
            )
        return argument


def _parsed(key: str, argument: Argument) -> Any:
    return parsed(key, Node(argument.value, argument.place), argument.shown)
