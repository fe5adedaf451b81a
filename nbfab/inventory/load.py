"""Reads an inventory in either format."""

import hashlib
import os
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from nbfab.errors import UsageError
from nbfab.fix import task
from nbfab.inventory import ansible, ansible_program, own
from nbfab.inventory.hosts import Inventory
from nbfab.inventory.values import mapping
from nbfab.inventory.yaml12 import Empty, Node, read


def load(path: Path, *, named: bool = False, says: Callable[[str], None] = lambda line: None) -> Inventory:
    """The inventory in a file, in nbfab's format or Ansible's. Raises UsageError with the place of a mistake.

    `named` is whether the user named it: then Ansible itself reads what is not YAML, and `says` gets a line beforehand.
    """
    root, what = None, ansible_program.kind(path)
    if not what:
        may_differ = path.is_file() and os.access(path, os.R_OK) and path.suffix not in ansible_program.YAML
        root, what = _read(path, may_differ=named and may_differ)
    if root is not None:
        return build(root, path, named=named)
    if not named:
        raise UsageError(
            f"{path} is {what}: Ansible runs code for it, so it has to be named",
            task("fleet.plan", f"--inventory={path}"),
        )
    return _marked(ansible.from_list(*ansible_program.listed(path, what, says), path))


def _read(path: Path, *, may_differ: bool) -> tuple[Node | None, str]:
    """The YAML in a file; or None and what it is instead, if it may be something else. Raises UsageError."""
    try:
        root = read(path)
    except Empty:
        raise
    except UsageError:
        if not may_differ:
            raise
        return None, "not YAML"
    if isinstance(root.value, dict):
        return (None, "the configuration of a plugin") if "plugin" in root.value else (root, "")
    return (None, "not YAML") if may_differ else (root, "")


def build(root: Node, path: Path, *, named: bool = False) -> Inventory:
    """As `load`, from YAML that has been read."""
    top = mapping(root, "defaults, groups and hosts")
    if ansible.looks_like(top):
        return _marked(ansible.build(top, path, named=named))
    return _marked(own.build(top, path))


def _marked(inventory: Inventory) -> Inventory:
    """The inventory, each of whose hosts has its mark: the file and the machine that it is on, in short."""
    where = f"{socket.gethostname()}:{inventory.path.resolve()}"
    mark = hashlib.sha256(where.encode(errors="surrogateescape")).hexdigest()[:12]
    return replace(inventory, hosts=tuple(replace(host, listed=mark) for host in inventory.hosts))
