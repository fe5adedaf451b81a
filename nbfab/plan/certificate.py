"""The step `certificate`: a certificate and its key in one PEM, self-signed or issued by an authority of the user's.

One that nbfab did not make stays as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from nbfab.errors import HostError
from nbfab.fix import Note, task
from nbfab.names import EVERY_ADDRESS, canonical, is_name
from nbfab.plan import foreign, issuing, kinds, own, renewal
from nbfab.plan.change import Change
from nbfab.plan.files import Managed, write
from nbfab.plan.step import Step

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from nbfab.look.facts import Facts
    from nbfab.plan.issuing import Issue
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


def issue(wanted: Wanted, facts: Facts) -> Issue | None:
    """What an authority is to sign, of the names that are asked for here; None if the host is to sign it itself.

    Those that were issued to the host before count if the host has them on record, too: they may have been dropped.
    """
    here = asked_here(wanted.names, wanted.settings, wanted.kept)
    return issuing.issue(wanted, here, [name for name in wanted.issued if name in facts.choices.made.names])


def plan(wanted: Wanted, facts: Facts) -> Iterator[Change]:
    """A certificate, unless the present one fits: names, key, days, mode, signer. It keeps its key if that is possible.

    Until `wanted` has that key, or the authority's, the change is one that only says so. Raises Refused if none of the
    authorities may sign it.
    """
    from nbfab.plan import pem

    entry, signs = facts.files.entry(FILE), issue(wanted, facts)
    have = pem.load(entry.text) if entry else None
    if wanted.own:
        yield from own.plan(wanted, facts, FILE, asked(wanted, facts))
        return
    if entry and have and kinds.stays(wanted, have):
        yield from foreign.plan(wanted, facts, entry, have)
        return
    if entry and kinds.is_strange(wanted, entry.text):
        return
    authority = signs.authority if signs else None
    needed = signs.names if signs else tuple(asked(wanted, facts))
    reason = renewal.why(wanted, facts, entry, (*needed, *ALWAYS), authority)
    if not reason:
        return
    if signs and authority is None:
        raise signs.refusal()
    why_new_key = renewal.why_new_key(wanted, facts, entry)
    if why_new_key and why_new_key != reason:
        reason = f"{reason}; {why_new_key}"
    every = (*signs.names, *ALWAYS) if signs else names(wanted, facts)
    detail, note = f"for {', '.join(every)}", _not_asked_here(wanted, facts)
    if signs and authority:
        detail += f", issued by {authority.name}"
        note = _left_out(wanted, facts, signs)
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
    if authority and (wanted.signer is None or wanted.signer.authority != authority):
        yield Change(step="certificate", kind="issue certificate", what=what, detail=detail, reason=reason, note=note)
        return
    signer = wanted.signer if authority else None
    days = min(wanted.settings.days, issuing.DAYS) if signer else wanted.settings.days
    text = pem.make(every, days, wanted.now, facts.host.clock, wanted.key, signer)
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


def _left_out(wanted: Wanted, facts: Facts, signs: Issue) -> str:
    """A note on the names that no authority signs, since only the host claims them."""
    here = (*signs.names, *signs.odd, *signs.outside, *wanted.drops)
    only = [name for name in dict.fromkeys((*asked(wanted, facts), *_found(facts))) if name not in here]
    flags = " ".join(f"--name {name}" for name in only)
    words = f"left out of the certificate, since only the host claims these: {', '.join(only)}"
    return f"{words} (to ask here: {flags})" if only else ""


def _from(names: Iterable[str], source: str) -> dict[str, str]:
    """The names that a certificate can carry, as it writes them, with their source; not those that each one has."""
    every = (canonical(name) for name in names if is_name(name))
    return {name: source for name in every if name not in ALWAYS}


def notes(wanted: Wanted, facts: Facts) -> Iterator[str]:
    """An authority that is about to end, and a difference between the two clocks."""
    yield from issuing.ending(wanted, facts.files.text(FILE))
    skew = facts.host.clock - wanted.now
    if abs(skew) > SKEW:
        amount = f"{abs(skew) / 86400:.1f} days" if abs(skew) > 86400 else f"{abs(skew) / 60:.0f} minutes"
        yield f"the host's clock is {amount} {'ahead of' if skew > 0 else 'behind'} this machine's"
    if wanted.own:
        yield from wanted.own.notes
    elif chain := _foreign(wanted, facts):
        yield from foreign.notes(chain, wanted.now)


def _foreign(wanted: Wanted, facts: Facts) -> tuple[Certificate, ...]:
    """The certificate that is there with its chain, if nbfab did not make it and leaves it there."""
    from nbfab.plan import pem

    chain = pem.chain(facts.files.text(FILE))
    return chain if chain and kinds.stays(wanted, chain[0]) else ()


def standing(wanted: Wanted, facts: Facts) -> Iterator[str]:
    """Whose the certificate is, if nbfab did not make it; else why it stays self-signed, or what is left out of it."""
    from nbfab.plan import pem

    if chain := _foreign(wanted, facts):
        yield foreign.standing(chain[0], asked(wanted, facts), wanted.now)
        return
    if kinds.is_strange(wanted, facts.files.text(FILE)):
        yield foreign.STRANGE
        return
    have, signs = pem.load(facts.files.text(FILE)), issue(wanted, facts)
    if have and signs and signs.authority is None and kinds.is_nbfab_s(have):
        yield Note(f"the certificate stays self-signed: {signs.reason}", *signs.fix[:2])
    elif signs and not wanted.own:
        yield from signs.notes(wanted.settings.days)


STEP = Step(
    "certificate",
    "Make the certificate, or renew it if its names, key or days no longer fit.",
    plan,
    files=lambda settings: (Managed(FILE, "certificate"),),
    notes=notes,
    standing=standing,
    options=("names", "days", "self_signed"),
    flags=("drop_name", "new_key", *OWN, "passphrase_file", "reset", "days_left"),
)
