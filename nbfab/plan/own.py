"""A certificate of the user's own, that was given with its key: put in place if it differs from the one there."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from nbfab.errors import Refused
from nbfab.fix import again
from nbfab.plan import renewal
from nbfab.plan.files import PRIVATE, write

if TYPE_CHECKING:
    from nbfab.look.facts import Facts
    from nbfab.plan.change import Change
    from nbfab.wanted import Wanted


def plan(wanted: Wanted, facts: Facts, path: str, asked: Collection[str]) -> Iterator[Change]:
    """The certificate with its chain and its key in one PEM, at `path`.

    Raises Refused if it is for none of the names that were `asked` for, in this run or before: it is another host's.
    """
    from nbfab.plan import pem

    own, entry = wanted.own, facts.files.entry(path)
    assert own
    names = pem.names_in(own.leaf)
    if asked and len(renewal.lacking(names, asked)) == len(asked):
        raise Refused(
            f"the certificate is for {', '.join(names)}, and this host is reached by {', '.join(asked)}",
            "if it is for this host, say by which name",
            again(f"--name={names[0].replace('*', asked_label(asked))}"),
        )
    chain = pem.chain(entry.text) if entry else ()
    why = ""
    if entry is None:
        why = "there is none"
    elif chain != own.chain:
        why = f"the one there was issued by {pem.issuer(chain[0])}" if chain else "the one there cannot be read"
        if chain and chain[0].issuer == own.leaf.issuer:
            why = "it differs from the one there"
    elif not renewal.matches(facts, pem.public_key(own.leaf) or ""):
        why = "its key does not match"
    elif entry.mode != PRIVATE:
        why = f"its mode is {entry.mode}"
    if why:
        detail = f"for {', '.join(names)}, issued by {pem.issuer(own.leaf)}"
        yield write("certificate", "put the certificate in place", path, own.reveal(), detail=detail, reason=why)


def asked_label(asked: Collection[str]) -> str:
    """What stands for the asterisk of a wildcard in an example: the first label of a name that was asked for."""
    first = next(iter(asked)).partition(".")[0]
    return first if first and not first.isdigit() and ":" not in first else "NAME"
