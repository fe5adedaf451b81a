"""What keeps an environment that is wanted from being a kernel's, and what to do about it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from nbfab.errors import HostError, NbfabError, Refused
from nbfab.fix import Fix, Note, again, task, there
from nbfab.plan.install import how_to_install
from nbfab.settings import origin

if TYPE_CHECKING:
    from nbfab.look.facts import Facts
    from nbfab.look.kernels import Place
    from nbfab.wanted import Wanted

_LISTED: Fix = ("to see all of them", task("install", "--list"))


def found(facts: Facts, given: str) -> list[Place]:
    """The environments that were found for a name or a path."""
    return [place for place in facts.kernels.found if place.given == given]


def notes(wanted: Wanted, facts: Facts) -> Iterator[Note]:
    """A note for each of them. One that was wanted before is no error, whatever has become of it."""
    missing = dict(facts.kernels.missing)
    for given in wanted.settings.kernels:
        places = found(facts, given)
        if len(places) > 1:
            words = f"the kernel {given} stays as it is: it could be any of {_listed(places)}"
            yield Note(words, *_leave_out(wanted, given, "choose one by its path"))
        elif given in missing:
            why = missing[given] or "no environment has that name any more"
            yield Note(f"the kernel {given} cannot start: {why}", *_leave_out(wanted, given, "make it again"))
        elif places and not places[0].ipykernel:
            words = f"{places[0].folder} has no ipykernel, so no kernel can start in it"
            yield Note(words, *how_to_add(places[0], facts), "then", task("setup"))
        elif places and places[0].kind == "conda" and places[0].activates and not facts.kernels.bash:
            words = f"the kernel {given} does without what activates its environment, which takes bash"
            yield Note(words, *how_to_install(facts, "bash"), "then", task("setup"))


def unusable(wanted: Wanted, facts: Facts, given: str) -> NbfabError:
    """Why an environment cannot be a kernel's that was not one before."""
    places, what, names = found(facts, given), f"--kernel {given}", facts.kernels.names
    if places:
        return Refused(f"{what} could be any of {_listed(places)}", *_choose(wanted, given, places))
    if why := dict(facts.kernels.missing).get(given):
        return HostError(f"{what} cannot be used: {why}", "name an environment that exists", *_LISTED)
    known = f"there are {', '.join(names)}" if names else "there are none that have a name"
    fix = "--kernel takes one of those, or a path, which has a / or ~ in it"
    return HostError(f"{what} cannot be used: no environment has that name; {known}", fix, *_LISTED)


def how_to_add(place: Place, facts: Facts) -> Fix:
    """The command that adds ipykernel to an environment: by what takes care of its packages."""
    python, folder, has = shlex.quote(place.python), shlex.quote(place.folder), facts.kernels
    if place.kind == "system":
        return how_to_install(facts, "ipykernel")
    if place.kind == "conda" and (has.conda or not place.pip):
        line = f"{shlex.quote(has.conda or 'conda')} install --yes --prefix {folder} ipykernel"
    elif place.pip:
        line = f"{python} -m pip install ipykernel"
    elif has.uv:
        line = f"{shlex.quote(has.uv)} pip install --python {python} ipykernel"
    else:
        line = f"{python} -m ensurepip && {python} -m pip install ipykernel"
    return (there(line),)


def _listed(places: Sequence[Place]) -> str:
    return ", ".join(f"{of.folder} ({of.kind})" for of in places)


def _choose(wanted: Wanted, given: str, places: Sequence[Place]) -> Fix:
    """The commands that choose one of several environments of the same name."""
    source = wanted.settings.sources.get("kernels", "flag")
    if source != "flag":
        return f"choose one of them, by its path in {origin('kernels', source)}", *_LISTED
    typed = (wanted.given or wanted.settings).kernels
    options = ([f"--kernel={of.folder if kernel == given else kernel}" for kernel in typed] for of in places)
    return "choose one of them", *(again(*each) for each in options)


def _leave_out(wanted: Wanted, given: str, instead: str) -> Fix:
    """How to have a kernel no longer wanted, or what to do instead."""
    source = wanted.settings.sources.get("kernels", "flag")
    if "kernels" not in wanted.kept and source != "flag":
        return (f"{instead}, or leave it out in {origin('kernels', source)}",)
    others = (f"--kernel={kernel}" for kernel in wanted.settings.kernels if kernel != given)
    return f"{instead}, or leave it out", task("setup", "--reset=kernels", *others)
