"""What limits the server's processes, and what ends them."""

import re
from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType
from typing import Any, NamedTuple

from nbfab.look.fact import LINE, fact, line, text
from nbfab.records import dataclass

UNLIMITED = 10**15


class Limit(NamedTuple):
    """A limit of a process, and the one up to which its user may raise it."""

    soft: int
    hard: int


@dataclass(frozen=True)
class Limits:
    """Limits by the names that proc(5) has for them, such as `open files`."""

    by_name: Mapping[str, Limit] = field(default_factory=lambda: MappingProxyType({}))


def _limits(value: Any) -> Limits:
    """From the file `limits` in proc(5)."""
    found = {}
    for row in text(value, LINE).splitlines():
        match = re.match(r"Max ([a-z ]{1,30}?) +([0-9]{1,20}|unlimited) +([0-9]{1,20}|unlimited)(?= |$)", row)
        if match:
            found[match[1]] = Limit(_number(match[2]), _number(match[3]))
    return Limits(found)


def _number(written: str) -> int:
    return UNLIMITED if written == "unlimited" else min(int(written), UNLIMITED)


@dataclass(frozen=True, kw_only=True)
class LimitFacts:
    """The `resources` that are limited, and the user whose processes are `killed` at logout, if they are."""

    resources: Limits = fact(_limits, default=Limits())
    killed: str = fact(line, default="")
