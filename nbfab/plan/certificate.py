"""The step `certificate`: a self-signed certificate and its key, in one PEM."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import TYPE_CHECKING

from nbfab.names import EVERY_ADDRESS, is_name
from nbfab.plan.files import PRIVATE, Managed, write
from nbfab.plan.step import Step

if TYPE_CHECKING:
    from nbfab.look.facts import Facts
    from nbfab.plan.change import Change
    from nbfab.wanted import Wanted

FILE = "nbserver.pem"
RENEW = 30  # days left, as ACME clients do it; a third of its life for a shorter one
SKEW = 600  # seconds between two clocks that are worth a note
ALWAYS = ("localhost", "127.0.0.1", "::1")


def names(wanted: Wanted, facts: Facts) -> tuple[str, ...]:
    """Every name and address that people will type, as a certificate writes them, each once."""
    own = [name for name in facts.host.all_names if is_name(name)]
    listening = () if wanted.settings.ip in EVERY_ADDRESS else (wanted.settings.ip,)
    every = [*wanted.names, *wanted.settings.names, *listening, *own, *ALWAYS]
    return tuple(dict.fromkeys(_canonical(name) for name in every if is_name(name)))


def asked(wanted: Wanted, facts: Facts) -> dict[str, str]:
    """The names that someone here asked for, now or earlier, with their sources."""
    given = wanted.settings.sources.get("names", "flag")
    every = [*((name, "typed") for name in wanted.names), *((name, given) for name in wanted.settings.names)]
    return {_canonical(name): source for name, source in every if is_name(name) and name not in ALWAYS} | dict(
        facts.choices.made.names
    )


def _canonical(name: str) -> str:
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name.lower()


def plan(wanted: Wanted, facts: Facts) -> Iterator[Change]:
    """A new key and certificate, unless the present ones fit: names, key, days and mode."""
    from nbfab.plan import pem

    want = names(wanted, facts)
    why = _why_not(wanted, facts, want)
    if why:
        verb = "renew" if facts.files.text(FILE) else "make"
        text = pem.make(want, wanted.settings.days, wanted.now, facts.host.clock)
        yield write("certificate", f"{verb} the certificate", FILE, text, detail=f"for {', '.join(want)}", reason=why)


def _why_not(wanted: Wanted, facts: Facts, want: tuple[str, ...]) -> str:
    """Why the present certificate will not do; empty if it will."""
    from nbfab.plan import pem

    entry = facts.files.entry(FILE)
    if entry is None:
        return "there is none"
    have = pem.load(entry.text)
    public = pem.public_key(have) if have else None
    if have is None or public is None:
        return "the one there cannot be read"
    left, days = pem.days_left(have, wanted.now), wanted.settings.days
    known = pem.names_in(have)
    missing = [name for name in want if name not in known]
    key = facts.files.key.strip()
    if missing:
        return f"it lacks {', '.join(missing)}"
    if not facts.files.key_loads or (key and key != public.strip()):
        return "its key does not match"
    if have.not_valid_before_utc.timestamp() > min(wanted.now, facts.host.clock):
        return "it is not valid yet"
    if left < min(RENEW, days // 3):
        return f"it expires in {left} days" if left >= 0 else "it has expired"
    if left > days:
        return f"it is valid for {left} more days, but {days} are wanted"
    if entry.mode != PRIVATE:
        return f"others could read its key ({entry.mode})"
    return ""


def notes(wanted: Wanted, facts: Facts) -> Iterator[str]:
    """A difference between the two clocks."""
    skew = facts.host.clock - wanted.now
    if abs(skew) > SKEW:
        amount = f"{abs(skew) / 86400:.1f} days" if abs(skew) > 86400 else f"{abs(skew) / 60:.0f} minutes"
        yield f"the host's clock is {amount} {'ahead of' if skew > 0 else 'behind'} this machine's"


STEP = Step(
    "certificate",
    "Make the certificate, or renew it if its names, key or days no longer fit.",
    plan,
    files=lambda settings: (Managed(FILE, "certificate"),),
    notes=notes,
    options=("names", "days"),
)
