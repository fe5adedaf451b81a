"""Reads an inventory in either format."""

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
    return ansible.build(top, path) if ansible.looks_like(top) else own.build(top, path)
