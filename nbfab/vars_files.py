"""The folders group_vars and host_vars beside an Ansible inventory (its plugin `ansible.builtin.host_group_vars`)."""

import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from nbfab.errors import UsageError
from nbfab.inventory import Pairs, mapping
from nbfab.yaml12 import Place, read

_ENDS = ("", ".yml", ".yaml", ".json")


class VarsFiles:
    """One of the two folders, which need not be there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def _names(self) -> frozenset[str]:
        try:
            return frozenset(os.listdir(self.folder))
        except OSError:
            return frozenset()

    def of(self, name: str) -> Iterator[tuple[Place, Pairs]]:
        """What the files of a group or a host hold, and where that begins; nothing of one that is not plain YAML.

        As with Ansible the first of NAME, NAME.yml, NAME.yaml and NAME.json counts; of a folder, all files in it.
        Raises UsageError.
        """
        found = next((self.folder / (name + end) for end in _ENDS if name + end in self._names), None)
        if found is None:
            return
        for file in sorted(_files(found)):
            shown = f"{self.folder.name}/{file.relative_to(self.folder)}"
            try:
                root = read(file, shown)
            except UsageError as error:
                if str(error).endswith("the file is empty"):
                    continue
                raise
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
