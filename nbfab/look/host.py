"""The host itself: its user, its clock, its names, its programs."""

import re
from dataclasses import dataclass
from typing import Any

from nbfab.look.fact import fact, number, text, words, yes

_ADDRESS = re.compile(r"\s+inet6? (?:addr: ?)?([0-9A-Fa-f.:]+)(?=[\s/]|$)")
_NOT_FOR_LONG = re.compile(r"temporary|deprecated|tentative|scope[: ](link|host)|<(link|host)>", re.IGNORECASE)


def _addresses(value: Any) -> tuple[str, ...]:
    """The addresses in the output of ip(8) or ifconfig(8) that last and that others can reach."""
    lines = [line for line in text(value).splitlines() if not _NOT_FOR_LONG.search(line)]
    return tuple(match[1] for line in lines if (match := _ADDRESS.match(line)))


@dataclass(frozen=True, kw_only=True)
class HostFacts:
    """The host itself.

    `clock` is in seconds since the epoch. `user` is empty unless something cannot be written, and `system` (as in
    uname(1) and os-release(5)) unless something may have to be installed.
    """

    uid: str = fact(text)
    clock: int = fact(number)
    user: str = fact(text, default="")
    tmux: bool = fact(yes, default=False)
    system: str = fact(text, default="")
    names: tuple[str, ...] = fact(words, default=())
    addresses: tuple[str, ...] = fact(_addresses, default=())

    @property
    def is_root(self) -> bool:
        """Whether the user is root there."""
        return self.uid == "0"

    @property
    def all_names(self) -> tuple[str, ...]:
        """Its own names and addresses, each once."""
        return tuple(dict.fromkeys((*self.names, *self.addresses)))
