"""Names: of hosts, users and places, and text without them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from ipaddress import ip_address

from nbfab.records import dataclass

_USUAL = ("localhost", "root", "127.0.0.1", "0.0.0.0", "::1", "::")
_SHORTEST = 3  # characters of a name that is replaced wherever it is: a shorter one is part of many words


@dataclass(frozen=True)
class Names:
    """Those of hosts and users, addresses, and places, each with what is written instead. Empty ones are left out."""

    hosts: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    places: tuple[tuple[str, str], ...] = ()


def anonymous(text: str, names: Names) -> str:
    """The text without those, without home folders, e-mail addresses and numeric addresses."""
    for path, instead in sorted(names.places, key=lambda place: -len(place[0])):
        text = text.replace(path, instead) if len(path) > 1 else text
    for address in _longest(names.addresses):
        text = _without(text, address, "ADDRESS")
    hosts = _longest(names.hosts)
    for host in hosts:
        text = _without(text, host, "HOST")
    for domain in _longest(_domains(hosts)):
        text = re.sub(r"(?i)(?:[\w-]{1,63}\.){0,9}" + re.escape(domain) + r"(?![\w-])", "HOST", text)
    for user in _longest(names.users):
        text = _without(text, user, "USER")
    for user in filter(None, names.users):
        if len(user) < _SHORTEST:
            text = text.replace(f"as {user}", "as USER")
    text = re.sub(r"/(home|Users)/[^/\s:,'\"]{1,64}", r"/\1/USER", text)
    text = re.sub(r"[\w.+-]{1,64}@[\w.-]{1,100}", "USER@HOST", text)
    return re.sub(r"[0-9A-Fa-f:.]{3,45}", _address, text)


def _without(text: str, name: str, instead: str) -> str:
    return re.sub(r"(?i)(?<![\w.])" + re.escape(name) + r"(?!\w)", instead, text)


def _longest(names: Iterable[str]) -> list[str]:
    """Those that can be replaced, the longest first: one may be the beginning of another."""
    found = {name for name in names if len(name) >= _SHORTEST and name.lower() not in _USUAL}
    return sorted(found, key=lambda name: (-len(name), name))


def _domains(hosts: Iterable[str]) -> Iterator[str]:
    """The domains that hosts are in, below which there may be others."""
    for host in hosts:
        domain = host.partition(".")[2]
        if "." in domain and not domain.replace(".", "").isdigit():
            yield domain


def _address(found: re.Match[str]) -> str:
    """ADDRESS, if it is one of a host, with or without a port or a full stop behind it."""
    text = found[0].rstrip(".:")
    for candidate in (text, text.rpartition(":")[0]):
        try:
            address = ip_address(candidate)
        except ValueError:
            continue
        if address.is_loopback or address.is_unspecified:
            return found[0]
        return "ADDRESS" + found[0][len(candidate) :]
    return found[0]
