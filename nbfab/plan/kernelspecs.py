"""Kernelspecs: the user's own environments in the menu of kernels, as part of the step `profile`."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from nbfab.errors import HostError
from nbfab.plan import kernel_notes
from nbfab.plan.change import Change
from nbfab.plan.files import PRIVATE, Managed, differences
from nbfab.plan.kernel_notes import found
from nbfab.plan.kernelspec import text
from nbfab.plan.own_kernel import label, spec_of
from nbfab.settings import is_path

if TYPE_CHECKING:
    from nbfab.look.facts import Facts
    from nbfab.look.kernels import Place
    from nbfab.settings import Settings
    from nbfab.wanted import Wanted

_FOLDER = "share/jupyter/kernels"
PREFIX = "nbfab."  # no profile's name has a dot, so none of these is its own kernel
_SPEC = re.compile(rf"{re.escape(_FOLDER)}/{re.escape(PREFIX)}[a-z0-9_.-]+/kernel\.json")
# What Jupyter replaces in the words of a kernel's command, which cannot be written otherwise.
_REPLACED = re.compile(r"\{(connection_file|prefix|resource_dir)\}")


def name(given: str) -> str:
    """The name of the kernel for an environment that is given so: it stays, whichever others there are."""
    plain = unicodedata.normalize("NFKD", label(given)).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9_.-]+", "-", plain)[:40].strip("-.") or "kernel"
    own = slug == given and not re.search(r"-[0-9a-f]{8}$", slug)
    mark = "" if own else f"-{hashlib.sha256(given.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
    return f"{PREFIX}{slug}{mark}"


def spec_file(kernel: str) -> str:
    """The file of a kernel's specification."""
    return f"{_FOLDER}/{kernel}/kernel.json"


def _record_file(kernel: str) -> str:
    """The file that has where the environment of a name is, so that it need not be sought again."""
    return f"{_FOLDER}/{kernel}/environment"


def managed(settings: Settings) -> tuple[Managed, ...]:
    """The files of the kernels that are wanted."""
    names = map(name, settings.kernels)
    return tuple(Managed(path) for kernel in names for path in (spec_file(kernel), _record_file(kernel)))


def plan(wanted: Wanted, facts: Facts) -> Iterator[Change]:
    """A kernel for each environment that is wanted and has ipykernel; those that are no longer wanted go.

    One that was wanted before and is gone changes nothing. Raises HostError if there is no such environment, Refused if
    its name is not one's alone.
    """
    had = facts.choices.made.options.get("kernels")
    menu, stay = in_menu(wanted, facts), set()
    for given in wanted.settings.kernels:
        kernel, places = name(given), found(facts, given)
        if len(places) != 1 and not (had and given in had.value):
            raise kernel_notes.unusable(wanted, facts, given)
        if len(places) == 1 and (part := _REPLACED.search(places[0].python)):
            what = f"--kernel {given} cannot be used: Jupyter would replace {part[0]} in its path"
            raise HostError(what, "name a link to it whose path has no such part")
        if len(places) != 1 or not places[0].ipykernel:
            stay.add(spec_file(kernel))
        elif kernel in menu:
            stay.add(spec_file(kernel))
            spec = text(spec_of(wanted, facts, menu[kernel], [place.given for place in menu.values()]))
            yield from _write(kernel, menu[kernel], spec, facts)
    for entry in facts.files.entries:
        if _SPEC.fullmatch(entry.path) and entry.path not in stay:
            what = f"take {_display_name(entry.text) or entry.path} out of the menu of kernels"
            yield Change(step="profile", kind="drop kernel", what=what, args={"file": entry.path})


def in_menu(wanted: Wanted, facts: Facts) -> Mapping[str, Place]:
    """The environments that are to be in the menu, by their kernels: each once, however often it is named."""
    menu: dict[str, Place] = {}
    for given in wanted.settings.kernels:
        places = found(facts, given)
        met = [(place.folder, place.python) for place in menu.values()]
        if len(places) == 1 and places[0].ipykernel and (places[0].folder, places[0].python) not in met:
            menu[name(given)] = places[0]
    return menu


def _write(kernel: str, place: Place, spec: str, facts: Facts) -> Iterator[Change]:
    """The change that writes a kernel, and where the environment of that name is, unless they are right."""
    path = spec_file(kernel)
    want = {path: spec} | ({} if is_path(place.given) else {_record_file(kernel): f"{place.given}\n{place.folder}\n"})
    have = {at: facts.files.entry(at) for at in want}
    if all(entry and (entry.text, entry.mode) == (want[at], PRIVATE) for at, entry in have.items()):
        return
    words = tuple(word for at, of in want.items() for word in (at, str(len(of.encode("utf-8", "surrogateescape"))), of))
    before = have[path]
    new = f"put {_display_name(spec)} into the menu of kernels"
    yield Change(
        step="profile",
        kind="write kernel",
        what=f"rewrite the kernel of {place.given}" if before else new,
        detail="" if before else f"({place.folder})",
        diff=differences(path, before.text, spec) if before else "",
        words=words,
        args={"mode": "600"},
    )


def _display_name(spec: str) -> str:
    try:
        return str(json.loads(spec)["display_name"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
