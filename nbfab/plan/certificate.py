"""The step `certificate`: a certificate and its key, in one PEM; one that nbfab did not make stays as it is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from nbfab.errors import HostError
from nbfab.fix import task
from nbfab.names import EVERY_ADDRESS, canonical, is_name
from nbfab.plan import foreign, kinds, own, renewal
from nbfab.plan.change import Change
from nbfab.plan.files import Managed, write
from nbfab.plan.step import Step

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from nbfab.look.facts import Facts
    from nbfab.settings import Settings
    from nbfab.wanted import Wanted

FILE = "nbserver.pem"
SKEW = 600  # seconds between two clocks that are worth a note
OWN = ("certificate", "key", "reissue")  # flags on certificates that nbfab does not make
ALWAYS = ("localhost", "127.0.0.1", "::1")
MOST = 100  # names, beside those


def names(wanted: Wanted, facts: Facts) -> tuple[str, ...]:
    """Every name and address of a certificate that is made now, as it writes them, each once.

    Those that are asked for come first, then the host's own as far as there is room: these are never a reason to make a
    certificate. Raises HostError if too many are asked for.
    """
    wants = asked(wanted, facts)
    own = [name for name in _found(facts) if name not in wants and name not in wanted.drops]
    return tuple(dict.fromkeys((*wants, *own[: MOST - len(wants)], *ALWAYS)))


def asked(wanted: Wanted, facts: Facts) -> dict[str, str]:
    """The names that were asked for, earlier or in this run, and the source of each, a key of `settings.SOURCES`.

    Raises HostError if there are too many.
    """
    here = asked_here(wanted.names, wanted.settings, wanted.kept)
    earlier = {name: source for said, source in facts.choices.made.names.items() for name in _from([said], source)}
    every = {name: earlier.get(name) or here[name] for name in (*earlier, *here) if name not in wanted.drops}
    if len(every) > MOST:
        raise HostError(
            f"{len(every)} names are asked for, and a certificate has at most {MOST}: {', '.join(every)}",
            "drop one of them",
            task("certificate", f"--drop-name={list(every)[-1]}"),
        )
    return every


def asked_here(typed: Iterable[str], settings: Settings, kept: Collection[str] = ()) -> dict[str, str]:
    """The names that are asked for in this run, with their sources: no others are an authority's to sign.

    `kept` are options that the host has on record, so that they ask for nothing.
    """
    listening = [] if settings.ip in EVERY_ADDRESS or "ip" in kept else [settings.ip]
    return (
        _from(typed, "typed")
        | _from(settings.names, settings.sources.get("names", "flag"))
        | _from(listening, settings.sources.get("ip", "flag"))
    )


def names_there(facts: Facts) -> tuple[str, ...]:
    """The names in the certificate that is there."""
    from nbfab.plan import pem

    text = facts.files.text(FILE)
    have = pem.load(text) if text else None
    return pem.names_in(have) if have else ()


def plan(wanted: Wanted, facts: Facts) -> Iterator[Change]:
    """A certificate, unless the present one fits: names, key, days and mode. It keeps its key if that is possible.

    Until `wanted` has that key, the change is one that only says so.
    """
    from nbfab.plan import pem

    entry, every = facts.files.entry(FILE), names(wanted, facts)
    have = pem.load(entry.text) if entry else None
    if wanted.own:
        yield from own.plan(wanted, facts, FILE, asked(wanted, facts))
        return
    if entry and have and kinds.stays(wanted, have):
        yield from foreign.plan(wanted, facts, entry, have)
        return
    reason = renewal.why(wanted, facts, entry, (*asked(wanted, facts), *ALWAYS))
    if not reason:
        return
    why_new_key = renewal.why_new_key(wanted, facts, entry)
    if why_new_key and why_new_key != reason:
        reason = f"{reason}; {why_new_key}"
    detail, note = f"for {', '.join(every)}", _not_asked_here(wanted, facts)
    if have:
        keeps = not why_new_key and (wanted.key is None or wanted.key.public == pem.public_key(have))
        detail += f", with {'the same' if keeps else 'a new'} key"
        if keeps and wanted.key is None:
            what = "renew the certificate"
            yield Change(
                step="certificate", kind="renew certificate", what=what, detail=detail, reason=reason, note=note
            )
            return
    what = "renew the certificate" if facts.files.text(FILE) else "make the certificate"
    text = pem.make(every, wanted.settings.days, wanted.now, facts.host.clock, wanted.key)
    yield write("certificate", what, FILE, text, detail=detail, reason=reason, note=note)


def _found(facts: Facts) -> tuple[str, ...]:
    """The host's own names and addresses, as far as a certificate can carry them."""
    return tuple(_from(facts.host.all_names, ""))


def _not_asked_here(wanted: Wanted, facts: Facts) -> str:
    """A note on the names that this run has from the host alone."""
    here = asked_here(wanted.names, wanted.settings, wanted.kept)
    only = [name for name in asked(wanted, facts) if name not in here]
    flags = " ".join(f"--name {name}" for name in only)
    return f"kept from the host's own record: {', '.join(only)} (to ask here: {flags})" if only else ""


def _from(names: Iterable[str], source: str) -> dict[str, str]:
    """The names that a certificate can carry, as it writes them, with their source; not those that each one has."""
    every = (canonical(name) for name in names if is_name(name))
    return {name: source for name in every if name not in ALWAYS}


def notes(wanted: Wanted, facts: Facts) -> Iterator[str]:
    """A difference between the two clocks."""
    skew = facts.host.clock - wanted.now
    if abs(skew) > SKEW:
        amount = f"{abs(skew) / 86400:.1f} days" if abs(skew) > 86400 else f"{abs(skew) / 60:.0f} minutes"
        yield f"the host's clock is {amount} {'ahead of' if skew > 0 else 'behind'} this machine's"
    if wanted.own:
        yield from wanted.own.notes
    elif chain := _foreign(wanted, facts):
        yield from foreign.notes(chain, wanted.now)


def standing(wanted: Wanted, facts: Facts) -> Iterator[str]:
    """Whose the certificate is, if nbfab did not make it."""
    if chain := _foreign(wanted, facts):
        yield foreign.standing(chain[0], asked(wanted, facts), wanted.now)


def _foreign(wanted: Wanted, facts: Facts) -> tuple[Certificate, ...]:
    """The certificate that is there with its chain, if nbfab did not make it and leaves it there."""
    from nbfab.plan import pem

    chain = pem.chain(facts.files.text(FILE))
    return chain if chain and kinds.stays(wanted, chain[0]) else ()


STEP = Step(
    "certificate",
    "Make the certificate, or renew it if its names, key or days no longer fit.",
    plan,
    files=lambda settings: (Managed(FILE, "certificate"),),
    notes=notes,
    standing=standing,
    options=("names", "days"),
    flags=("drop_name", "new_key", *OWN, "days_left"),
)
