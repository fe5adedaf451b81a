"""What was chosen for the profile, as the file `choices` in its folder has it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType
from typing import Any, NamedTuple

from nbfab.look.fact import fact, text
from nbfab.names import is_name
from nbfab.records import dataclass
from nbfab.settings import BY_KEY, LISTED, RESETTABLE, SOURCES

FILE = "choices"
LONGEST = 65_536  # characters
MOST_NAMES = 100  # of one certificate
_LINE = r"(?P<option>[a-z_]{1,20}) (?P<source>[a-z]{1,20}(?:#[0-9a-f]{12})?)(?: (?P<value>.{1,5000}))?"


class Choice(NamedTuple):
    """The value of an option, and where it was chosen: a key of `settings.SOURCES`, also for a default.

    That of an inventory is followed by `#` and the inventory's mark: another inventory does not take it back.
    """

    value: Any
    source: str


@dataclass(frozen=True)
class Choices:
    """What was chosen: a choice per option, the `names` that were asked for with the source of each.

    `version` is that of the nbfab which wrote them; empty if there is no such file. `broken` says what cannot be read.
    """

    version: str = ""
    options: Mapping[str, Choice] = field(default_factory=lambda: MappingProxyType({}))
    names: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    broken: str = ""


def parse(file: Any) -> Choices:
    """Choices from the text of the file: `nbfab VERSION`, then a line `OPTION SOURCE VALUE` for each, names as `name`.

    Without a value, it is empty. Options in LISTED have a line for each of their values.

    What a newer nbfab may have added is left out. Raises ValueError if the fact is no text.
    """
    lines = [line for line in text(file).split("\n") if line and not line.startswith("#")]
    version = re.fullmatch(r"nbfab ([0-9]{1,6}(?:\.[0-9a-z]{1,10}){1,5})", lines[0]) if lines else None
    if version is None or len(file) > LONGEST:
        return Choices(broken="it is too long" if len(file) > LONGEST else "its first line is not the version of nbfab")
    options: dict[str, Choice] = {}
    names: dict[str, str] = {}
    for line in lines[1:]:
        match = re.fullmatch(_LINE, line)
        if match is None:
            return Choices(version[1], broken=f"{line[:60]!r} is not a choice")
        option, source, written = match["option"], match["source"], match["value"] or ""
        if source.partition("#")[0] not in SOURCES:
            return Choices(version[1], broken=f"{source!r} is not a source")
        if option == "name":
            if not is_name(written) or len(names) >= MOST_NAMES:
                return Choices(version[1], broken=f"{written[:60]!r} is not a name, or one too many")
            names[written] = source
        elif option in RESETTABLE:  # a profile has neither its own name nor another
            try:
                before = options[option].value if option in LISTED and option in options else ()
                read = (*before, written) if option in LISTED else written
                value = BY_KEY[option].default if not written else BY_KEY[option].parse(read)
                options[option] = Choice(value, source)
            except ValueError as error:
                return Choices(version[1], broken=f"{option} must be {error}, not {written[:60]!r}")
    return Choices(version[1], options, names)


@dataclass(frozen=True, kw_only=True)
class ChoiceFacts:
    """What was chosen for the profile, and what the look itself went by.

    `environment` is what the profile's environment was found for, the app and the python that was named, in the files
    of a release that kept no choices.
    """

    made: Choices = fact(parse, default=Choices())
    environment: str = fact(text, default="")
    port: str = fact(text)
    directory: str = fact(text)
    python: str = fact(text)
    app: str = fact(text)
    packages: str = fact(text, default="")
    kernels: str = fact(text, default="")
