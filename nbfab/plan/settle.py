"""Settle: which settings count, those of this run or those that were chosen for the profile before.

Flag, inventory, environment and configuration count more than what the profile has, and that more than the default.
A run of single steps changes only the options that belong to them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbfab.settings import ADDED, added

if TYPE_CHECKING:
    from nbfab.look.facts import Facts
    from nbfab.wanted import Wanted


def _more(values: Iterable[str], new: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*values, *new)))


_ADD = {"packages": added, "kernels": _more}


def firm(wanted: Wanted, owned: Collection[str]) -> frozenset[str]:
    """The options that count more than what the profile has; the current folder does not.

    `owned` are the options that this run may change.
    """
    sources = wanted.settings.sources
    return frozenset(key for key in owned if sources.get(key, "folder") != "folder")


def forgotten(wanted: Wanted, owned: Collection[str]) -> tuple[str, ...]:
    """Which of the profile's choices no longer count, as `look.request.Request` has it.

    What came from the inventory does not, since that says anew what counts; typed values add to it all the same.
    """
    resets = [key for key in wanted.resets if key in owned]
    listed = [key for key in owned if wanted.inventory and key not in adds(wanted, owned)]
    return (*resets, *(f"{key}/inventory#{wanted.inventory}" for key in listed))


def adds(wanted: Wanted, owned: Collection[str]) -> frozenset[str]:
    """The options whose values are typed ones that add to those that the profile has."""
    return frozenset(key for key in ADDED if key in owned and wanted.settings.sources.get(key) == "flag")


def settle(wanted: Wanted, facts: Facts, owned: Collection[str]) -> Wanted:
    """What is wanted, with what was chosen for the profile before."""
    made, counts, gone = facts.choices.made, firm(wanted, owned), forgotten(wanted, owned)
    kept = {
        key: choice
        for key, choice in made.options.items()
        if key not in counts and not {key, f"{key}/{choice.source}"}.intersection(gone)
    }
    values: dict[str, Any] = {key: choice.value for key, choice in kept.items()}
    for key in adds(wanted, owned).difference(kept, gone).intersection(made.options):
        values[key] = _ADD[key](made.options[key].value, getattr(wanted.settings, key))
    sources = {**wanted.settings.sources, **{key: choice.source for key, choice in kept.items()}}
    if "requirements" not in {*owned, *kept}:  # its file is read only by runs that may change that
        values["requirements"] = ""
        sources.pop("requirements", None)
    settings = replace(wanted.settings, **values, sources=sources)
    return replace(wanted, settings=settings, given=wanted.given or wanted.settings, kept=frozenset(kept))
