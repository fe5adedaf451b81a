"""Every environment on a host, and what it is used for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from nbfab.look.kernels import Place
from nbfab.plan import kernelspecs
from nbfab.plan.environment import choose

if TYPE_CHECKING:
    from nbfab.look.facts import Facts
    from nbfab.wanted import Wanted


class Row(NamedTuple):
    """An environment: whether it `serves`, and the `kernel` that it is in the menu, if it is."""

    place: Place
    serves: bool
    kernel: str

    def document(self) -> dict[str, Any]:
        """This as JSON."""
        place = self.place
        return {
            "name": place.name or place.folder,
            "kind": place.kind,
            "folder": place.folder,
            "python": place.python,
            "version": place.version or None,
            "ipykernel": place.ipykernel or None,
            "notebook": place.notebook or None,
            "serves": self.serves,
            "kernel": self.kernel or None,
        }


def rows(wanted: Wanted, facts: Facts) -> list[Row]:
    """The environments of which one serves, and which are in the menu, first."""
    chosen = choose(wanted, facts)
    serving = _folder(chosen.python) if chosen.environment else ""
    kernels = {
        place.folder: name
        for name, place in kernelspecs.in_menu(wanted, facts).items()
        if facts.files.entry(kernelspecs.spec_file(name))
    }
    places = {place.folder: place for place in (*_asked(facts), *facts.kernels.found, *facts.kernels.every)}
    found = [Row(place, folder == serving, kernels.get(folder, "")) for folder, place in places.items()]
    return sorted(found, key=lambda row: (not row.serves, not row.kernel))


def _asked(facts: Facts) -> Iterator[Place]:
    """Those that were asked what they have, for a server to run in one: the login shell's, say."""
    for of in facts.environments.found:
        folder, has = _folder(of.python), of.packages
        versions = ("", has.get("ipykernel", ""), has.get("notebook", ""))
        yield Place("", "folder", folder.rpartition("/")[2], folder, of.python, *versions)


def _folder(python: str) -> str:
    return python.rpartition("/bin/")[0] or python.rpartition("/")[0] or "/"
