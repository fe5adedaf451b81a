"""Foreign certificates: those that nbfab did not make. They stay, and what is amiss with them is said."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from nbfab.errors import Refused
from nbfab.fix import Fix, Note, task
from nbfab.plan import renewal
from nbfab.plan.change import Change

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from nbfab.look.facts import Facts
    from nbfab.look.files import Entry
    from nbfab.wanted import Wanted

STRANGE = Note(
    "nbfab cannot read the certificate, and did not make it, so it stays",
    "to have nbfab make one",
    task("certificate", "--reissue"),
)


def plan(wanted: Wanted, facts: Facts, entry: Entry, have: Certificate) -> Iterator[Change]:
    """Its mode, if others could read its key. Raises Refused if it cannot serve any more, and for a new key."""
    from nbfab.plan import pem

    issuer = pem.issuer(have)
    if wanted.key:
        raise Refused(
            f"the certificate there was issued by {issuer}, so nbfab makes no new key for it",
            "to have nbfab make both",
            task("certificate", "--reissue"),
        )
    if why := _why_not(wanted, facts, have):
        raise Refused(f"the certificate there, issued by {issuer}, {why}", *another(replace=True))
    if not renewal.is_private(entry):
        yield Change(
            step="certificate",
            kind="make private",
            what="make the certificate's key private",
            reason=f"its mode is {entry.mode}",
            args={"file": entry.path, "mode": "600"},
            note=f"others could read the key of the certificate that {issuer} has issued, and may have: "
            "if anyone else is on that host, have one issued for a new key",
        )


def another(*, replace: bool = False) -> Fix:
    """What to do about one that will not do; `replace` says as well how nbfab puts one of its own there."""
    own = ("or to have nbfab make one", task("certificate", "--reissue")) if replace else ()
    given = task("certificate", "--certificate=FULLCHAIN.pem", "--key=KEY.pem")
    return ("renew it where it comes from, then put it there with its key", given, *own)


def notes(chain: Sequence[Certificate], now: float) -> Iterator[str]:
    """What of a chain, the host's certificate first, ends soon or is not valid yet."""
    from nbfab.own.fitness import SOON
    from nbfab.plan import pem

    leaf, *others = chain
    if leaf.not_valid_before_utc.timestamp() > now:
        yield f"its certificate is not valid before {leaf.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
    left, life = pem.days_left(leaf, now), (leaf.not_valid_after_utc - leaf.not_valid_before_utc).days
    if left <= min(SOON, life // 4):
        yield Note(f"its certificate, issued by {pem.issuer(leaf)}, has {left} days left", *another())
    for each in others:
        left = pem.days_left(each, now)
        if left < SOON and each.not_valid_after_utc < leaf.not_valid_after_utc:
            ends = f"has {left} days left" if left >= 0 else "has expired"
            subject = each.subject.rfc4514_string()[:100]
            yield Note(f"{subject}, which stands behind its certificate, {ends}", *another())


def standing(have: Certificate, asked: Collection[str], now: float) -> Note:
    """Whose it is, how long it is valid, and which of the names that were asked for it is not for."""
    from nbfab.plan import pem

    words = f"nbfab did not make the certificate, so it stays: issued by {pem.issuer(have)}"
    words += f", {pem.days_left(have, now)} days left"
    missing = renewal.lacking(pem.names_in(have), asked)
    if not missing:
        return Note(words)
    words += f", not for {', '.join(missing)}, where browsers warn"
    return Note(words, "to have nbfab make one that is", task("certificate", "--reissue"))


def _why_not(wanted: Wanted, facts: Facts, have: Certificate) -> str:
    """Why it cannot serve."""
    from nbfab.plan import pem

    public = pem.public_key(have)
    if public and not renewal.matches(facts, public):
        return "does not match the key with it"
    left = pem.days_left(have, wanted.now)
    return f"has expired, {-left} days ago" if left < 0 else ""
