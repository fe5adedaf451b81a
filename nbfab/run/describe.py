"""What there is to know of a host, whatever was done there."""

from dataclasses import replace
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from nbfab.fix import Note, task
from nbfab.look.facts import Facts
from nbfab.look.server import ServerFacts
from nbfab.names import EVERY_ADDRESS, canonical, in_url, is_name
from nbfab.outcome import Outcome
from nbfab.plan import at_boot, bundle, certificate, clients, pem, takes
from nbfab.plan.server import attach
from nbfab.plan.steps import notes, standing
from nbfab.run import reach
from nbfab.run.job import Job
from nbfab.settings import RESETTABLE
from nbfab.units import stamp
from nbfab.wanted import Wanted

LOG_ENDS = "its log ends:"  # before the end of a log, in why a server does not run
MOST_NAMES = 200  # of a certificate that someone else has made
MOST_URLS = 3  # of this machine, for other machines: its name, its full name and an address


def describe(job: Job, wanted: Wanted, seen: Facts) -> Outcome:
    """The outcome of a task that has changed nothing. If a server runs, it says whether that is reached from here."""
    settings, server = wanted.settings, seen.server
    state: dict[str, Any] = {"running": server.ours, "folder": seen.files.folder}
    if not job.host.local:
        state["ssh"] = job.host.ssh
    text = seen.files.text(certificate.FILE)
    cert = pem.load(text) if text else None
    if server.ended:
        why = {"since": stamp(server.ended.since), "why": server.ended.words, "follows": server.ended.follows}
        why["kind"] = server.ended.kind
        state |= {"restarts": server.ended.restarts, "last_end": why}
    if settings.at_boot:
        state["at_boot"] = at_boot.shown(wanted, seen)
    if server.ours and server.started:
        state["since"] = stamp(server.started.since)
        if server.in_session:
            state["attach"] = attach(wanted, seen)
        if server.login:
            state["environment"] = server.login.words
        state["kernels"] = list(server.exactly_live)
        if server.answer and server.answer.guard:
            failed = server.answer.guard.failed
            state["failed_logins"] = failed._asdict() | {"since": stamp(failed.since)}
            state["tcp_kernels"] = list(server.answer.guard.tcp_kernels)
        state |= idle(server)
    state["settings"] = {
        key: {"value": getattr(settings, key), "source": settings.sources.get(key, "default").partition("#")[0]}
        for key in RESETTABLE
    }
    if settings.client_certificates:
        state["clients"] = listed(wanted, seen)
    if cert:
        state["fingerprint"] = pem.fingerprint(cert)
        state["days_left"] = pem.days_left(cert, wanted.now)
        for authority in wanted.authorities:
            if authority.has_issued(cert):
                left = authority.days_left(wanted.now)
                issuer = {"name": authority.name, "fingerprint": authority.fingerprint, "days_left": left}
                state["authority"] = issuer
        state["pin"] = pem.pin(cert)
        state["names"] = list(certificate.names_there(seen)[:MOST_NAMES])
    if job.host.local and server.ours and settings.ip in EVERY_ADDRESS:
        own = [name for name in seen.host.all_names if is_name(name)]
        if "authority" in state:  # which signs no name that only this machine claims
            own = [name for name in own if canonical(name) in certificate.names_there(seen)]
        state["elsewhere"] = [f"https://{in_url(name)}:{_port(wanted, seen)}/" for name in own[:MOST_URLS]]
    outcome = Outcome(
        job.host.label,
        job.task,
        "unchanged",
        pending=takes.waiting(wanted, seen),
        notes=notes(wanted, seen),
        standing=standing(wanted, seen),
        url=page(job, wanted, seen),
        state=state,
    )
    if wanted.relay:  # it is opened through a link
        return replace(outcome, url="")
    return _from_here(job, wanted, outcome, seen) if cert and server.ours and server.ready else outcome


def page(job: Job, wanted: Wanted, seen: Facts) -> str:
    """The URL of the notebook."""
    name, address, text = job.host.names[0], wanted.settings.ip, seen.files.text(certificate.FILE)
    if (cert := pem.load(text) if text else None) and any(of.has_issued(cert) for of in wanted.authorities):
        # The authority may not have signed all of them, and a browser would warn of the others.
        signed = certificate.names_there(seen)
        name = next((one for one in job.host.names if canonical(one) in signed), name)
    # Not one that the profile has: what a host says of itself decides no name.
    if address not in (*EVERY_ADDRESS, "localhost") and (
        job.host.local or ("ip" not in wanted.kept and not ip_address(address).is_loopback)
    ):
        name = address
    return f"https://{in_url(name)}:{_port(wanted, seen)}/"


def _port(wanted: Wanted, seen: Facts) -> int:
    server = seen.server
    return server.answer.port if server.answer and server.ready else wanted.settings.port


def listed(wanted: Wanted, seen: Facts) -> list[dict[str, Any]]:
    """The clients that the host has, for reports."""
    return [
        {
            "name": client.name,
            "role": client.role,
            "fingerprint": client.fingerprint,
            "days_left": client.days_left(wanted.now),
            "added_by": client.by or None,
        }
        for client in clients.there(seen)[: bundle.MOST]
    ]


def idle(server: ServerFacts) -> dict[str, Any]:
    """When an idle server and idle kernels end, if they do, for reports."""
    limits = server.answer.guard.idle if server.answer and server.answer.guard else None
    return {"idle": limits._asdict()} if limits and (limits.after or limits.kernels_after) else {}


def _from_here(job: Job, wanted: Wanted, outcome: Outcome, seen: Facts) -> Outcome:
    """The outcome, with a note if the server cannot be reached from this machine."""
    settings = wanted.settings
    if not clients.is_admitted(wanted, seen):
        unknown = Note("the server does not admit nbfab on this machine yet", task("setup"))
        return replace(outcome, notes=(*outcome.notes, unknown))
    name, text = urlsplit(outcome.url).hostname or "", seen.files.text(certificate.FILE)
    why_not = reach.reach(name, _port(wanted, seen), text, presents=settings.client_certificates)
    if not why_not:
        return outcome
    note = f"{outcome.url} cannot be reached from here ({why_not})"
    if not job.host.local:
        everywhere = settings.ip in EVERY_ADDRESS
        between = "a firewall or a tunnel is in between" if everywhere else f"it listens on {settings.ip} only"
        return replace(outcome, notes=(*outcome.notes, Note(f"{note}; {between}", task("open"))))
    return replace(outcome, notes=(*outcome.notes, note))
