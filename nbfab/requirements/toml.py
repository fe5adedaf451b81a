"""TOML, and what is common to the files that are written in it."""

import tomllib
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from nbfab.requirements.place import Place


def table_in(text: str, file: str) -> dict[str, Any]:
    """What is in a file. Raises UsageError."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Place(file).error(f"it is no TOML: {error}"[:300], "correct it there") from None
    except (ValueError, RecursionError):  # a number of a thousand digits, a thousand brackets
        raise Place(file).error(
            "it is no TOML that can be read", "have the program that wrote it write it anew"
        ) from None


def part(table: object, *keys: str) -> Any:
    """A value by its path of keys; None where a table or a key is missing."""
    for key in keys:
        table = table.get(key) if isinstance(table, dict) else None
    return table


def python_in(value: object, place: Place) -> str:
    """The versions of Python in `requires-python`. Raises UsageError."""
    if value is None:
        return ""
    try:
        if isinstance(value, str):
            return str(SpecifierSet(value))
    except InvalidSpecifier:
        pass
    raise place.error("requires-python is not such as >=3.11", "correct it there")
