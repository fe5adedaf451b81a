"""Reads an inventory in either format."""

import hashlib
import socket
from dataclasses import replace
from pathlib import Path

from nbfab.inventory import ansible, own
from nbfab.inventory.hosts import Inventory
from nbfab.inventory.values import mapping
from nbfab.inventory.yaml12 import Node, read


def load(path: Path) -> Inventory:
    """The inventory in a file, in nbfab's format or Ansible's. Raises UsageError with the place of a mistake."""
    return build(read(path), path)


def build(root: Node, path: Path) -> Inventory:
    """As `load`, from YAML that has been read."""
    top = mapping(root, "defaults, groups and hosts")
    inventory = ansible.build(top, path) if ansible.looks_like(top) else own.build(top, path)
    listed = mark(path)
    return replace(inventory, hosts=tuple(replace(host, listed=listed) for host in inventory.hosts))


def mark(path: Path) -> str:
    """What tells one inventory from another: the file and the machine that it is on."""
    return hashlib.sha256(f"{socket.gethostname()}:{path.resolve()}".encode(errors="surrogateescape")).hexdigest()[:12]
