"""Clients: of a server that asks for their certificates, what keeps them out; a part of the layer `certificate`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from nbfab.doctor.layer import Case, failed
from nbfab.fix import Command, task
from nbfab.plan import bundle, clients
from nbfab.plan.files import PRIVATE

if TYPE_CHECKING:
    from nbfab.finding import Finding


def admits_no_one(case: Case) -> bool:
    """Whether the server asks for certificates, and its list of them cannot be read."""
    entry = case.facts.files.entry(clients.FILE)
    if not case.wanted.settings.client_certificates:
        return False
    return entry is None or bool(bundle.broken(entry.text)) or not bundle.is_clean(entry.text)


def check(case: Case) -> Iterator[Finding]:
    """What is wrong with that list, with those on it, and with what nbfab shows there and here."""
    wanted, facts, setup = case.wanted, case.facts, task("setup")
    if not wanted.settings.client_certificates:
        return
    entry, file = facts.files.entry(clients.FILE), f"{facts.files.folder}/{clients.FILE}"
    if entry is None:
        yield failed(f"{file} is gone, so the server admits no one; its clients have to be added again", setup)
    elif admits_no_one(case):
        yield failed(f"{file} cannot be read, so the server admits no one", "this keeps the entries that can", setup)
    elif entry.mode != PRIVATE:
        yield failed(f"{file}, by which the server admits clients, is {entry.mode}, not {PRIVATE}", setup)
    elif clients.is_admitted(wanted, facts) and list(clients.plan(wanted, facts)):
        yield failed("the certificate with which nbfab on the host asks the server is not admitted", setup)
    if case.near.exposed:
        words = f"others can read {case.near.exposed} here, a key by which servers let you in"
        yield failed(words, Command(f"rm {case.near.exposed}"), setup)
    elif not (clients.is_admitted(wanted, facts) or admits_no_one(case)):
        has = "" if wanted.client else ", which has no certificate of its own yet"
        yield failed(f"the server does not admit nbfab on this machine{has}", setup)
    for note in clients.ending(wanted, facts):
        yield failed(note.words, *note.fix)
