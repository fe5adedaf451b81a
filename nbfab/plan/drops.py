"""Drops: the names that a certificate is no longer to be for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from nbfab.errors import UsageError
from nbfab.names import canonical
from nbfab.plan import certificate
from nbfab.settings import BY_KEY, Settings, origin

if TYPE_CHECKING:
    from nbfab.look.facts import Facts
    from nbfab.wanted import Wanted


def parse(given: Iterable[str], typed: Iterable[str], settings: Settings) -> tuple[str, ...]:
    """The names of `--drop-name`, as a certificate writes them.

    Raises UsageError for one that the next run would add again, and one that every certificate has.
    """
    names = []
    for text in given:
        try:
            names += [canonical(name) for name in BY_KEY["names"].parse(text)]
        except ValueError as error:
            raise UsageError(f"drop-name must be {error}, not {text!r}") from None
    here = certificate.asked_here(typed, settings)
    for name in names:
        if name in certificate.ALWAYS:
            raise UsageError(f"{name} cannot be dropped: every certificate has it")
        if name in here:
            raise _again(name, here[name], settings)
    return tuple(dict.fromkeys(names))


def _again(name: str, source: str, settings: Settings) -> UsageError:
    what = f"{name} cannot be dropped, because the next run would add it again"
    if source == "typed":
        return UsageError(f"{what}: it is how this one reaches the host", "reach the host by another of its names")
    key = "names" if name in map(canonical, settings.names) else "ip"
    return UsageError(f"{what}: it is from {origin(key, source)}", "leave it out there first")


def absent(wanted: Wanted, facts: Facts) -> Iterator[str]:
    """A note for each name that is to be dropped, but is not there."""
    recorded = {canonical(name) for name in facts.choices.made.names}
    for name in wanted.drops:
        if name not in recorded and name not in certificate.names_there(facts):
            yield f"{name} is none of the certificate's names, so there is nothing to drop"
