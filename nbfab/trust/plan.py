"""What is to be done to each place, from what is there."""

from collections.abc import Sequence

from nbfab.records import dataclass
from nbfab.trust import nss, system, tools
from nbfab.trust.machine import Machine
from nbfab.trust.place import Place, Work
from nbfab.trust.root import Root


@dataclass(frozen=True)
class Seen:
    """The places of a machine, as they are."""

    machine: Machine
    places: tuple[Place, ...]
    known: tuple[Root, ...]
    """The roots that are looked for."""


def look(machine: Machine, known: Sequence[Root]) -> Seen:
    """What is where on this machine; `known` are the roots to look for."""
    found = (*nss.places(machine, known), system.place(machine), tools.place(machine))
    return Seen(machine, found, tuple(known))


def adding(seen: Seen, roots: Sequence[Root]) -> tuple[Work, ...]:
    """What puts the roots into every place."""
    machine = seen.machine
    works = []
    for place in seen.places:
        missing = tuple(root for root in roots if lacks(machine, place, root))
        if place.kind == "tools":
            works.append(Work(place, tuple(tools.adding(machine, roots)), tuple(roots)))
        elif place.why or not missing:
            works.append(Work(place, (), tuple(roots)))
        elif place.kind == "nss":
            works.append(Work(place, tuple(nss.adding(place, missing)), tuple(roots)))
        else:
            works.append(Work(place, tuple(system.adding(machine, missing)), tuple(roots), takes_root=_needs(machine)))
    return tuple(works)


def removing(seen: Seen, roots: Sequence[Root]) -> tuple[Work, ...]:
    """What takes the roots out of every place that has one of them; no other is touched."""
    machine, works = seen.machine, []
    for place in seen.places:
        there = tuple(root for root in roots if root.fingerprint in place.held)
        if place.kind == "tools":
            works.append(Work(place, tuple(tools.removing(machine)), tuple(roots)))
        elif place.why or not there:
            works.append(Work(place, (), tuple(roots)))
        elif place.kind == "nss":
            works.append(Work(place, tuple(nss.removing(place, there)), there))
        else:
            actions = tuple(system.removing(machine, there))
            works.append(Work(place, actions, there, takes_root=_needs(machine)))
    return tuple(works)


def lacks(machine: Machine, place: Place, root: Root) -> bool:
    """Whether a place has to get a root."""
    if place.kind == "system":
        return system.lacks(machine, place, root)
    return root.fingerprint not in place.held or root.fingerprint in place.distrusted


def is_in_system(seen: Seen, roots: Sequence[Root]) -> bool:
    """Whether the system's store has all of the roots."""
    return not any(
        lacks(seen.machine, place, root) for place in seen.places if place.kind == "system" for root in roots
    )


def _needs(machine: Machine) -> bool:
    """Whether it takes more than this user to change the system's store; the keychain is the user's own."""
    return not machine.is_root and machine.system != (system.MACOS,)
