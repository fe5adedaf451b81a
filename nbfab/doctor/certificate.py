"""The layer `certificate`: its names and days, its key, and whether this machine trusts it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from nbfab.doctor import clients
from nbfab.doctor.layer import Case, Layer, failed, unknown
from nbfab.fix import Fix, Note, task
from nbfab.plan import certificate, foreign, issuing, kinds, pem, renewal

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from nbfab.authority.authority import Authority
    from nbfab.finding import Finding


def _check(case: Case) -> Iterator[Finding]:
    wanted, facts = case.wanted, case.facts
    if not case.has_profile:
        yield unknown(f"there is no profile {wanted.settings.profile}")
        return
    yield from clients.check(case)
    text = facts.files.text(certificate.FILE)
    chain = pem.chain(text)
    if kinds.is_strange(wanted, text):
        yield failed(foreign.STRANGE.words, *foreign.STRANGE.fix)
        return
    for change in certificate.plan(wanted, facts):
        yield failed(change.reason or change.summary, task("certificate"))
    if chain and kinds.stays(wanted, chain[0]):
        yield from _foreign(case, chain)
    for note in issuing.ending(wanted, text):
        yield failed(note.words, *note.fix)
    if chain and case.near.trusted is False and kinds.kind(chain[0], wanted.authorities) != "self-signed":
        own = [authority.name for authority in _own(case, chain[0])]
        issuer = own[0] if own else pem.issuer(chain[0])
        trust: Fix = ("have this machine trust that, or have nbfab make one", task("certificate", "--reissue"))
        trust = (task("trust"),) if own else trust
        yield failed(f"this machine does not trust who has issued it ({issuer}), so tools and browsers warn", *trust)


def _own(case: Case, have: Certificate) -> list[Authority]:
    """The user's own authority that has issued it, if one has."""
    return [authority for authority in case.wanted.authorities if authority.has_issued(have)]


def _foreign(case: Case, chain: tuple[Certificate, ...]) -> Iterator[Finding]:
    for note in foreign.notes(chain, case.wanted.now):
        words, fix = (note.words, note.fix) if isinstance(note, Note) else (note, foreign.another())
        yield failed(words, *fix)
    missing = renewal.lacking(pem.names_in(chain[0]), certificate.asked(case.wanted, case.facts))
    if missing:
        words = f"it is not for {', '.join(missing)}, where browsers warn"
        yield failed(words, *foreign.another(), "or to have nbfab make one that is", task("certificate", "--reissue"))


def _passes(case: Case) -> str:
    have = pem.load(case.facts.files.text(certificate.FILE))
    if have is None:
        return ""
    kind = kinds.kind(have, case.wanted.authorities)
    whose = "self-signed" if kind == "self-signed" else f"issued by {pem.issuer(have)}"
    for own in _own(case, have):
        whose = f"issued by {own.name}, which has {own.days_left(case.wanted.now)} days left itself"
    return f"{pem.days_left(have, case.wanted.now)} days left, {whose}"


LAYER = Layer("certificate", _check, _passes)
