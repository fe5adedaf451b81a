"""Choices: the file in the profile's folder that holds what was chosen for it, and where."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterator, Mapping
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from nbfab import __version__
from nbfab.errors import HostError, Refused
from nbfab.fix import there
from nbfab.plan import certificate
from nbfab.plan.files import PRIVATE, Managed, write
from nbfab.settings import BY_KEY, origin, shown
from nbfab.settings import lines as lines_of

if TYPE_CHECKING:
    from nbfab.look.choices import Choice, Choices
    from nbfab.look.facts import Facts
    from nbfab.plan.change import Change
    from nbfab.wanted import Wanted

FILE = "choices"
MANAGED = Managed(FILE)
# Options that a running server takes up by a restart.
_WITH_A_START = (
    *("port", "ip", "directory", "python", "app", "keep_output"),
    *("client_certificates", "idle", "idle_kernels"),
)
_HEAD = "# What was chosen for this profile, and where. Written by nbfab, and replaced by it.\n"


def text(chosen: Mapping[str, Choice], names: Mapping[str, str]) -> str:
    """The file: which nbfab wrote it, then a line for each choice and each name that was asked for."""
    lines = [f"nbfab {__version__}"]
    for key in (key for key in BY_KEY if key in chosen):
        value, source = chosen[key]
        lines += [f"{key} {source} {text}" for text in lines_of(key, value)] if value else [f"{key} {source}"]
    lines += [f"name {source} {name}" for name, source in names.items()]
    return _HEAD + "".join(f"{line}\n" for line in lines)


def check(facts: Facts) -> None:
    """Raises Refused if a newer nbfab takes care of the profile, HostError if its choices cannot be read."""
    check_version(facts)
    made = facts.choices.made
    if made.broken:
        place = f"{facts.files.folder}/{FILE}"
        raise HostError(f"{place} cannot be read: {made.broken}", there(f"rm {shlex.quote(place)}"))


def check_version(facts: Facts) -> None:
    """Raises Refused if a newer nbfab takes care of the profile."""
    version = facts.choices.made.version
    if _numbers(version) > _numbers(__version__):
        raise Refused(
            f"nbfab {version} takes care of this profile; this is {__version__}, which leaves it alone",
            "upgrade nbfab on this machine",
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def plan(
    wanted: Wanted, facts: Facts, owned: Mapping[str, str], changes: Collection[Change], step: str, *, whole: bool
) -> Iterator[Change]:
    """The file, unless it has what is wanted; `owned` are the options that this run may change, with their steps.

    Another version alone is no reason for it, in a run that is not the `whole` setup and makes no other `changes`.
    `step` is the one that writes the file if no option does.
    """
    made, entry = facts.choices.made, facts.files.entry(FILE)
    mine = [key for key in BY_KEY if key in owned and key != "names"]
    chosen = {**made.options, **{key: _choice(wanted, key, made.options.get(key)) for key in mine}}
    names = certificate.asked(wanted, facts) if "names" in owned else dict(made.names)
    same = made.options == chosen and made.names == names
    if entry and entry.mode == PRIVATE:
        if entry.text == text(chosen, names) or (same and not changes and not whole):
            return
    elif not entry and not changes and not owned:
        return
    news = {key: words for key in mine if (words := _news(wanted, key, made.options.get(key)))}
    bound = [key for key in news if key in _WITH_A_START or (key == "packages" and wanted.renewed)]
    before = {**chosen, **{key: made.options[key] for key in bound}}
    more = [*(words for key, words in news.items() if key not in bound), *_names(made, names)]
    if not bound or before != made.options or names != made.names:
        what = "; ".join(more) or "record what was chosen"
        label = next((owned[key] for key in news if key not in bound), step)
        yield write(label, what, FILE, text(before, names))
    if bound:
        # Apart from the rest, since it may have to wait until kernels may end.
        what = "; ".join(news[key] for key in bound)
        yield write(owned[bound[0]], what, FILE, text(chosen, names), needs_restart=True)


def _news(wanted: Wanted, key: str, before: Choice | None) -> str:
    """What changes of an option, for people; empty if its value stays, or there was none."""
    now = getattr(wanted.settings, key)
    if before is None or before.value == now:
        return ""
    why = _why(wanted, key, before) + _downgrade(wanted, key, before.value)
    was, new = _shown(key, before.value), _shown(key, now)
    return f"{key} {was} -> {'another ' if was == new else ''}{new}, {why}"


def _names(made: Choices, names: Mapping[str, str]) -> Iterator[str]:
    """What changes of the names, for people; nothing for a new profile."""
    if made.version:
        yield from (f"add the name {name}" for name in names if name not in made.names)
        yield from (f"drop the name {name}" for name in made.names if name not in names)


def _choice(wanted: Wanted, key: str, before: Choice | None) -> Choice:
    """What is chosen now. The same value from elsewhere is no news, unless someone types it."""
    from nbfab.look.choices import Choice

    value, source = getattr(wanted.settings, key), wanted.settings.sources.get(key, "default")
    if before and before.value == value and source != "flag":
        return before
    return Choice(value, f"inventory#{wanted.inventory}" if source == "inventory" and wanted.inventory else source)


def _why(wanted: Wanted, key: str, before: Choice) -> str:
    source = wanted.settings.sources.get(key, "default")
    if source == "flag" and getattr(wanted.settings, key) is False:
        return f"from --no-{BY_KEY[key].flag}"
    if source != "default":
        return f"from {origin(key, source)}"
    if key in wanted.resets:
        return "its default, by --reset"
    if before.source.startswith("inventory"):
        return "its default, since the inventory no longer has it"
    return "its default"


def _downgrade(wanted: Wanted, key: str, old: Any) -> str:
    """What it means if a choice that protects the server has vanished, unless that was typed."""
    typed = wanted.settings.sources.get(key) == "flag" or key in wanted.resets
    if key == "ip" and _is_private(old) and not _is_private(wanted.settings.ip) and not typed:
        return "; a downgrade: other machines will reach the server"
    if key == "client_certificates" and old and not wanted.settings.client_certificates and not typed:
        return "; a downgrade: a password will be enough"
    return ""


def _is_private(ip: str) -> bool:
    return ip == "localhost" or (ip != "*" and ip_address(ip).is_loopback)


def _shown(key: str, value: Any) -> str:
    return shown(key, value) or "none"


def notes(wanted: Wanted, facts: Facts) -> Iterator[str]:
    """Where the settings of this run are not those that count."""
    given, settings = wanted.given, wanted.settings
    if given is None:
        return
    if (
        "directory" in wanted.kept
        and given.sources.get("directory") == "folder"
        and given.directory != settings.directory
    ):
        yield f"it serves {settings.directory}, not the current folder: --directory . would change that"
    for key in BY_KEY:
        if key in wanted.kept and given.sources.get(key) == "flag" and getattr(given, key) != getattr(settings, key):
            yield f"--{BY_KEY[key].flag} has no effect on this task: {key} stays {_shown(key, getattr(settings, key))}"
