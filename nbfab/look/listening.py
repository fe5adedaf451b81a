"""The addresses at which something listens on the port."""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from nbfab.look.fact import fact, words, yes
from nbfab.program import Record
from nbfab.records import dataclass

LOOPBACK = ("127.0.0.1", "::1")


def _addresses(value: Any) -> tuple[str, ...]:
    """Addresses as proc(5) has them: in hexadecimal, in words of four bytes, each in the order of the processor."""
    found = []
    for word in words(value):
        match = re.fullmatch(r"((?:[0-9A-F]{8}){1,4}):[0-9A-F]{4}", word)
        if match and len(match[1]) in (8, 32):
            four = [bytes.fromhex(match[1][at : at + 8])[::-1] for at in range(0, len(match[1]), 8)]
            found.append(str(ipaddress.ip_address(b"".join(four))))
    return tuple(found)


@dataclass(frozen=True, kw_only=True)
class ListeningFacts:
    """The `addresses` at which something listens on the port, and whether that is `known`."""

    addresses: tuple[str, ...] = fact(_addresses, default=())
    known: bool = fact(yes, default=False)

    @property
    def only_here(self) -> bool:
        """Whether it can be reached on the host alone."""
        every = [ipaddress.ip_address(address) for address in self.addresses]
        return bool(every) and all(address.is_loopback for address in every)

    @property
    def only_loopback(self) -> bool:
        """Whether something listens, at the two addresses of the host to itself and at no other."""
        return bool(self.addresses) and set(self.addresses) <= set(LOOPBACK)


def parse(records: Iterable[Record]) -> ListeningFacts:
    """These facts alone, from what `look_listening` has printed. Raises ValueError."""
    values: dict[str, Any] = {}
    for record in records:
        for field in fields(ListeningFacts):
            if (name := f"listening.{field.name}") in record:
                values[field.name] = field.metadata["parse"](record[name])
    return ListeningFacts(**values)
