"""The host itself: its user, its clock, its names, its programs."""

import re
from typing import Any

from nbfab.look.fact import LINE, digits, fact, line, number, text, words, yes
from nbfab.records import dataclass

_ADDRESS = re.compile(r"\s+inet6? (?:addr: ?)?([0-9A-Fa-f.:]{2,45})(?=[\s/]|$)")
_NOT_FOR_LONG = re.compile(r"temporary|deprecated|tentative|scope[: ](link|host)|<(link|host)>", re.IGNORECASE)


def _addresses(value: Any) -> tuple[str, ...]:
    """The addresses in the output of ip(8) or ifconfig(8) that last and that others can reach."""
    lines = [each for each in text(value).splitlines() if len(each) < LINE and not _NOT_FOR_LONG.search(each)]
    return tuple(match[1] for each in lines if (match := _ADDRESS.match(each)))


@dataclass(frozen=True, kw_only=True)
class HostFacts:
    """The host itself.

    `clock` is in seconds since the epoch. `user` is empty unless something cannot be written, and `system` (as in
    uname(1) and os-release(5)) unless something may have to be installed.
    """

    uid: str = fact(digits)
    clock: int = fact(number)
    user: str = fact(line, default="")
    tmux: bool = fact(yes, default=False)
    system: str = fact(line, default="")
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
