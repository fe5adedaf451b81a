"""Clients: who may connect to a server that asks for a client certificate. Each task touches one entry alone."""

import time
from collections.abc import Callable
from dataclasses import replace
from itertools import count

from nbfab.apply.apply import Declined
from nbfab.errors import HostError, NbfabError, Refused
from nbfab.fix import Note, task
from nbfab.look.facts import Facts
from nbfab.names import did_you_mean
from nbfab.outcome import Outcome, failure
from nbfab.plan import bundle, clients, server
from nbfab.plan.change import Change
from nbfab.run.converge import Course, make, reported
from nbfab.run.describe import describe, listed
from nbfab.run.job import Job
from nbfab.run.p12 import P12
from nbfab.run.see import see

TRIES = 10  # one a second, where another run is at work
OFF = "client certificates are off there, so the password alone is enough; to turn them on"


def add(job: Job, made: P12) -> Outcome:
    """Admits a client; the one of its name goes if the flag `replace` was given. Raises Refused, HostError."""

    def changes(job: Job, seen: Facts) -> list[Change]:
        have = clients.there(seen)
        known = bundle.named(have, made.name)
        if known and "replace" not in job.flags:
            raise Refused(
                f"there is a client {made.name} already{_by(known[0])}, with {known[0].days_left(job.wanted.now)} days "
                "left",
                task("client.add", made.name, "--replace"),
            )
        if len(have) >= bundle.MOST and not known:
            raise Refused(f"there are {len(have)} clients already, the most that it takes", "remove one of them")
        what = f"{'replace' if known else 'admit'} the client {made.name}"
        one = clients.change(what, [made.certificate], [client.body for client in known])
        return [*clients.plan(job.wanted, seen), one]

    label = job.host.label
    try:
        outcome = _changed(job, changes, lambda: made.hosts.add(label))
    except Declined:
        made.hosts.discard(label)
        raise
    except (NbfabError, KeyboardInterrupt) as error:
        if label not in made.hosts:
            raise
        note = f"not certain: the host admits {made.path} if it got as far as that"
        outcome = replace(failure(job.task, label, error), notes=(note,))
    shown = made.password if "json" in job.flags else ""
    return replace(outcome, password=shown, state={**outcome.state, "p12": str(made.path)})


def remove(job: Job, name: str, *, many: bool = False) -> Outcome:
    """Removes a client, and with it its open connections. Of `many` hosts, one may well not have it.

    Raises Refused for the last one, HostError.
    """

    def changes(job: Job, seen: Facts) -> list[Change]:
        known = bundle.named(clients.there(seen), name)
        others = [client for client in clients.people(seen) if client.name != name]
        if not known:
            return []
        if job.wanted.settings.client_certificates and not others and known[0].role == "client":
            raise Refused(
                f"{name} is the last client: without one, no browser could connect",
                "add another one first, or let a password be enough",
                task("setup", "--no-client-certificates"),
            )
        why = "its open connections end within 2 seconds"
        return [clients.change(f"remove the client {name}", (), [client.body for client in known], reason=why)]

    outcome = _changed(job, changes)
    if outcome.changes:
        return outcome
    have = [client["name"] for client in outcome.state["clients"] if client["role"] != "probe"]
    if many:
        return replace(outcome, notes=(f"it has no client {name}", *outcome.notes))
    raise HostError(f"there is no client {name[:64]!r}", did_you_mean(name, have) if have else "")


def listing(job: Job) -> Outcome:
    """Who is admitted. Raises Refused if nothing is set up, HostError."""
    job.user.sees("looking")
    job, seen = see(job)
    _check(seen)
    return _described(job, seen)


def _changed(job: Job, changes: Callable[[Job, Facts], list[Change]], sent: Callable[[], object] = int) -> Outcome:
    """The outcome once the changes are made; another run at work there is waited for. Raises NbfabError."""
    job.user.sees("looking")
    for tries in count(1):
        job, seen = see(job)
        _check(seen)
        todo, course = changes(job, seen), Course(job.user)
        if not todo:
            return _described(job, seen)
        try:
            sent()
            now = make(job, job.wanted, todo, seen, course)
            break
        except Declined:
            if course.begun or tries == TRIES:
                raise
        time.sleep(1)
    outcome = _described(job, now)
    return replace(outcome, verdict="changed", changes=reported(course.begun), notes=(*course.words, *outcome.notes))


def _check(seen: Facts) -> None:
    if why := server.why_not_set_up(seen):
        raise Refused(why, task("setup", "--client-certificates"))


def _described(job: Job, seen: Facts) -> Outcome:
    outcome = describe(job, job.wanted, seen)
    if job.wanted.settings.client_certificates:
        return outcome
    state = {**outcome.state, "clients": listed(job.wanted, seen)}
    note = Note(OFF, task("setup", "--client-certificates"))
    return replace(outcome, state=state, notes=(*outcome.notes, note))


def _by(client: bundle.Client) -> str:
    return f", added by {client.by}" if client.by else ""
