"""The folders group_vars and host_vars beside an Ansible inventory (its plugin `ansible.builtin.host_group_vars`)."""

import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from nbfab.inventory.place import Place
from nbfab.inventory.values import Pairs, mapping
from nbfab.inventory.yaml12 import Empty, read

_ENDS = ("", ".yml", ".yaml", ".json")


class VarsFiles:
    """One of the two folders, which may be missing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def _names(self) -> frozenset[str]:
        try:
            return frozenset(os.listdir(self.folder))
        except OSError:
            return frozenset()

    def of(self, name: str) -> Iterator[tuple[Place, Pairs]]:
        """The variables in each file of a group or a host, and where they begin; none if it is not a mapping.

        As in Ansible, the first of NAME, NAME.yml, NAME.yaml and NAME.json counts; of a folder, all files in it.
        Raises UsageError.
        """
        found = next((self.folder / (name + end) for end in _ENDS if name + end in self._names), None)
        if found is None:
            return
        for file in sorted(_files(found)):
            shown = f"{self.folder.name}/{file.relative_to(self.folder)}"
            try:
                root = read(file, shown)
            except Empty:
                continue
            yield root.place, mapping(root, "variables") if isinstance(root.value, dict) else {}


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for folder, folders, files in os.walk(path):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if not name.startswith(".") and not name.endswith("~") and os.path.splitext(name)[1] in _ENDS:
                yield Path(folder) / name
