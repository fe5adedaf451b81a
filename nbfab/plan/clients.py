"""The step `clients`: where clients have to present a certificate, those of nbfab itself are always among them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from nbfab.fix import Note, task
from nbfab.plan.change import Change
from nbfab.plan.files import PRIVATE, Managed, write
from nbfab.plan.step import Step

if TYPE_CHECKING:
    from nbfab.look.facts import Facts
    from nbfab.plan.bundle import Client
    from nbfab.wanted import Wanted

FILE = "clients.pem"  # the module in the server knows this name, too
PROBE = "probe.pem"  # and the program that asks the server, this one
SOON = 30  # days


def there(facts: Facts) -> tuple[Client, ...]:
    """The clients that the host has now."""
    from nbfab.plan import bundle

    return bundle.read(facts.files.text(FILE))


def people(facts: Facts) -> tuple[Client, ...]:
    """Those of them that are not nbfab itself."""
    return tuple(client for client in there(facts) if client.role == "client")


def plan(wanted: Wanted, facts: Facts) -> Iterator[Change]:
    """The certificates of nbfab on the host and of nbfab here, unless they are admitted, or none has to be."""
    from nbfab.keys import Key
    from nbfab.plan import bundle

    if not wanted.settings.client_certificates:
        return
    text, entry = facts.files.text(FILE), facts.files.entry(PROBE)
    have = bundle.read(text)
    known = {client.body for client in have}
    drops, adds = [*bundle.broken(text)], []
    probe = bundle.shown(entry.text) if entry and entry.mode == PRIVATE else ""
    if not _lasts(bundle.read(probe), wanted.now):
        verb = "renew" if entry else "make"
        made = bundle.make("nbfab on the host", "probe", "", bundle.LONG, wanted.now, Key.new())
        yield write("clients", f"{verb} the certificate with which nbfab there asks the server", PROBE, made)
        probe = bundle.shown(made)
        drops += [client.body for client in have if client.role == "probe"]
    for own in filter(None, (probe, wanted.client)):
        if not known.intersection(bundle.bodies(own)):
            adds.append(own)
    drops += [client.body for client in have if client.role == "operator" and client.days_left(wanted.now) < 0]
    if adds or drops or facts.files.mode(FILE) != PRIVATE or not bundle.is_clean(text):
        yield change("admit nbfab itself", adds, drops)


def _lasts(probe: tuple[Client, ...], now: float) -> bool:
    return bool(probe) and probe[0].days_left(now) >= SOON


def change(what: str, adds: Iterable[str], drops: Iterable[str], detail: str = "", reason: str = "") -> Change:
    """The change that puts certificates (PEM) into the bundle, and takes out those of that base64; others stay."""
    from nbfab.plan import bundle

    more = [*adds]
    gone = (*drops, *(body for text in more for body in bundle.bodies(text)))  # none is in there twice
    args = {"file": FILE, "mode": "600", "adds": "".join(more), "drops": " ".join(gone)}
    return Change(step="clients", kind="change clients", what=what, detail=detail, reason=reason, args=args)


def is_admitted(wanted: Wanted, facts: Facts) -> bool:
    """Whether nbfab here is among the clients, or need not be."""
    from nbfab.plan import bundle

    if not wanted.settings.client_certificates:
        return True
    return bool({client.body for client in there(facts)}.intersection(bundle.bodies(wanted.client)))


def notes(wanted: Wanted, facts: Facts) -> Iterator[str]:
    """That no browser is admitted yet; whose certificate ends soon."""
    if not (wanted.settings.client_certificates and facts.files.entry(FILE)):
        return
    if not people(facts):
        yield Note(
            "no browser is admitted yet; to make the certificate that one needs",
            task("client.add", _me(wanted)),
        )
    yield from ending(wanted, facts)


def ending(wanted: Wanted, facts: Facts) -> Iterator[Note]:
    """Whose certificate ends soon."""
    for client in people(facts):
        left = client.days_left(wanted.now)
        if left < SOON:
            when = f"has {left} days left" if left >= 0 else "has expired"
            yield Note(f"the client certificate of {client.name} {when}", task("client.add", client.name, "--replace"))


def _me(wanted: Wanted) -> str:
    """What to call the first client: as the user here is called."""
    from nbfab.plan import bundle

    own = bundle.read(wanted.client)
    return own[0].name.partition("@")[0] if own else "me"


STEP = Step(
    "clients",
    "Admit nbfab itself where clients have to present a certificate.",
    plan,
    files=lambda settings: (Managed(FILE), Managed(PROBE, "certificate")),
    notes=notes,
    alone=False,
)
