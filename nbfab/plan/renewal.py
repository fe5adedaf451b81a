"""Renewal: whether a certificate still fits, and whether its key can be kept if not."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from nbfab.plan import kinds

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from nbfab.authority.authority import Authority
    from nbfab.look.facts import Facts
    from nbfab.look.files import Entry
    from nbfab.wanted import Wanted

RENEW = 30  # days left, as ACME clients do it; a third of its life for a shorter one


def why(
    wanted: Wanted, facts: Facts, entry: Entry | None, needed: Iterable[str], authority: Authority | None = None
) -> str:
    """Why the certificate of that entry will not do; empty if it will. It has to be for the names that are `needed`.

    A self-signed one will not do if an `authority` can issue one.
    """
    from nbfab.plan import pem

    if entry is None:
        return "there is none"
    have = pem.load(entry.text)
    public = pem.public_key(have) if have else None
    if have is None or public is None:
        return "the one there cannot be read"
    if kinds.kind(have, wanted.authorities) == "foreign":
        return f"the one there, issued by {pem.issuer(have)}, is to be replaced"
    known = pem.names_in(have)
    missing = lacking(known, needed)
    dropped = [name for name in wanted.drops if name in known]
    if missing:
        return f"it lacks {', '.join(missing)}"
    if dropped:
        return f"it still has {', '.join(dropped)}"
    if not matches(facts, public):
        return "its key does not match"
    if have.not_valid_before_utc.timestamp() > min(wanted.now, facts.host.clock):
        return "it is not valid yet"
    if reason := _time(wanted, have) or _by_another(wanted, have, authority):
        return reason
    if exposed := _exposed(entry):
        return exposed
    if wanted.key and wanted.key.public != public:
        return "a new key is wanted"
    return ""


def _by_another(wanted: Wanted, have: Certificate, authority: Authority | None) -> str:
    """Why a certificate is to be signed by another than the one that has signed it."""
    whose = kinds.kind(have, wanted.authorities)
    if whose == "self-signed" and authority:
        return f"it is self-signed, and {authority.name} can issue one"
    if whose == "issued" and wanted.settings.self_signed:
        return "it is an authority's, and a self-signed one is wanted"
    return ""


def why_new_key(wanted: Wanted, facts: Facts, entry: Entry | None) -> str:
    """Why the key of a certificate has to be replaced with it; empty if it can be kept, or there is none."""
    from nbfab.plan import pem

    have = pem.load(entry.text) if entry else None
    public = pem.public_key(have) if have else None
    if entry is None or have is None or public is None:
        return ""
    if kinds.kind(have, wanted.authorities) == "foreign":
        return "nbfab did not make its key"
    if not matches(facts, public):
        return "its key does not match"
    return _exposed(entry)


def _time(wanted: Wanted, have: Certificate) -> str:
    from nbfab.plan import pem

    left, days = pem.days_left(have, wanted.now), wanted.settings.days
    if left < 0:
        return "it has expired"
    if left < min(RENEW, days // 3):
        return f"it expires in {left} days"
    return f"it is valid for {left} more days, but {days} are wanted" if left > days else ""


def matches(facts: Facts, public: str) -> bool:
    """Whether the key on the host is that of a certificate; assumed where look could not tell."""
    key = facts.files.key.strip()
    return facts.files.key_loads and key in ("", public.strip())


def lacking(known: Collection[str], needed: Iterable[str]) -> list[str]:
    """Those names that a certificate for the names `known` is not for. A wildcard stands for one label (RFC 6125)."""
    return [name for name in needed if name not in known and f"*.{name.partition('.')[2]}" not in known]


def _exposed(entry: Entry) -> str:
    return "" if is_private(entry) else f"others could read its key ({entry.mode})"


def is_private(entry: Entry) -> bool:
    """Whether only the owner can read it."""
    return entry.mode[4:] == "------"
