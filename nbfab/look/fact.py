"""A fact: a field of a group, and the parser for what the host reports."""

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any

LONGEST = 500_000  # characters of a text: a host with hundreds of interfaces prints some tens of thousands
MOST = 1000  # values of a fact that may be reported several times


def fact(parse: Callable[[Any], Any], **default: Any) -> Any:
    """A field of a group of facts, which a .sh file prints as `group.field`. With a `default` it may be missing.

    `parse` returns the value, or raises ValueError with what makes no sense. If the default is a tuple, the fact may be
    reported several times, and `parse` returns a tuple of values each time.
    """
    return dataclasses.field(metadata={"parse": parse}, **default)


def text(value: Any) -> str:
    """Text of bounded length."""
    if not isinstance(value, str):
        raise ValueError(f"{_shown(value)} is not text")
    if len(value) > LONGEST:
        raise ValueError(f"text of {len(value)} characters is too long")
    return value


def yes(value: Any) -> bool:
    """Yes or no."""
    if value not in ("yes", "no"):
        raise ValueError(f"{_shown(value)} is neither yes nor no")
    return bool(value == "yes")


def number(value: Any) -> int:
    """A whole number that is not negative, such as a pid, a port or seconds since the epoch."""
    digits = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(digits, str) or not re.fullmatch(r"[0-9]{1,15}", digits):
        raise ValueError(f"{_shown(value)} is not a number")
    return int(digits)


def words(value: Any) -> tuple[str, ...]:
    """The words of a text."""
    return tuple(text(value).split())


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
    if len(value) > 10_000:
        raise ValueError(f"an array of {len(value)} items is too long")
    return value


def _shown(value: Any) -> str:
    return repr(value)[:60] if not isinstance(value, int) else "a number"
