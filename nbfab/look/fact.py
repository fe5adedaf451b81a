"""A fact: a field of a group, and the parser for what the host reports."""

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any

LONGEST = 500_000  # characters of a text: a host with hundreds of interfaces prints some tens of thousands
LINE = 8192  # characters of a path, which has at most 4,096 bytes on Linux, or of a message
WORD = 255  # characters of a name, a version, a pid
MOST = 1000  # values of a fact that may be reported several times, and items of a list


def fact(parse: Callable[[Any], Any], **default: Any) -> Any:
    """A field of a group of facts, which a .sh file prints as `group.field`. With a `default` it may be missing.

    `parse` returns the value, or raises ValueError with what makes no sense. If the default is a tuple, the fact may be
    reported several times, and `parse` returns a tuple of values each time.
    """
    return dataclasses.field(metadata={"parse": parse}, **default)


def text(value: Any, most: int = LONGEST) -> str:
    """Text of bounded length, which can be written to a file: of surrogates, only those that stand for bytes."""
    if not isinstance(value, str):
        raise ValueError(f"{_shown(value)} is not text")
    if len(value) > most:
        raise ValueError(f"text of {len(value)} characters is too long")
    try:
        value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise ValueError(f"{_shown(value)} is not text that a host could have") from None
    return value


def line(value: Any) -> str:
    """A path, or what fits into a line; a value for sh, so without NUL."""
    if "\0" in text(value, LINE):
        raise ValueError(f"{_shown(value)} has a NUL")
    return str(value)


def path(value: Any) -> str:
    """An absolute path."""
    if not line(value).startswith("/"):
        raise ValueError(f"{_shown(value)} is not an absolute path")
    return str(value)


def word(value: Any) -> str:
    """A word, such as a version or the name of a user; it may be empty."""
    if any(character.isspace() for character in text(value, WORD)) or "\0" in value:
        raise ValueError(f"{_shown(value)} is not a word")
    return str(value)


def message(value: Any) -> str:
    """What a program on the host has said, for people: its end, if it is long."""
    return text(value)[-LINE:]


def yes(value: Any) -> bool:
    """Yes or no."""
    if value not in ("yes", "no"):
        raise ValueError(f"{_shown(value)} is neither yes nor no")
    return bool(value == "yes")


def number(value: Any) -> int:
    """A whole number that is not negative, such as a pid, a port or seconds since the epoch."""
    if isinstance(value, int) and not isinstance(value, bool):
        if not 0 <= value < 10**15:
            raise ValueError("a number out of range")
        return value
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{1,15}", value):
        raise ValueError(f"{_shown(value)} is not a number")
    return int(value)


def digits(value: Any) -> str:
    """A number that only identifies something, such as a uid, as the host prints it."""
    if not isinstance(value, str):
        raise ValueError(f"{_shown(value)} is not text")
    number(value)
    return value


def words(value: Any) -> tuple[str, ...]:
    """The words of a text."""
    return tuple(word(item) for item in items(text(value).split()))


def one_of(*values: str) -> Callable[[Any], str]:
    """A parser that takes one of those words."""

    def parse(value: Any) -> str:
        if value not in values:
            raise ValueError(f"{_shown(value)} is not one of {', '.join(values)}")
        return str(value)

    return parse


def record(value: Any) -> Mapping[str, Any]:
    """A JSON object."""
    if not isinstance(value, dict):
        raise ValueError(f"{_shown(value)} is not an object")
    return value


def items(value: Any) -> list[Any]:
    """A JSON array of bounded length."""
    if not isinstance(value, list):
        raise ValueError(f"{_shown(value)} is not an array")
    if len(value) > MOST:
        raise ValueError(f"an array of {len(value)} items is too long")
    return value


def _shown(value: Any) -> str:
    if isinstance(value, str):
        value = value[:60]
    return {int: "a number", dict: "an object", list: "an array"}.get(type(value)) or repr(value)[:60]
