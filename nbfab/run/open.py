"""Open: all that has to be on a host before its page can be opened from here, and what the near end needs to know."""

import time
from contextlib import suppress
from dataclasses import replace
from itertools import count
from urllib.parse import urlsplit

from nbfab.apply.again import programs
from nbfab.apply.apply import Declined
from nbfab.apply.token import fetch
from nbfab.errors import HostError, Refused, UsageError
from nbfab.fix import Note, again, task
from nbfab.look.facts import Facts
from nbfab.names import EVERY_ADDRESS, in_url
from nbfab.outcome import Outcome
from nbfab.plan import certificate, clients, kinds, password, pem, relay, renewal, server
from nbfab.run import host_name, identity, others, reach
from nbfab.run.converge import Course, converge, make, reported
from nbfab.run.describe import describe
from nbfab.run.job import Job
from nbfab.run.see import see
from nbfab.run.start import start
from nbfab.settings import Settings
from nbfab.tunnel.spec import Spec

TRIES = 5  # to start the relay, one a second, where another run is at work
LACKS = "there is no link: output that is printed while the network is down may be missing from the page"
UNKNOWN = "the browser warns of the certificate until that is trusted (its fingerprint is above)"
LOGIN = "log in with the password"
CERTIFIED = (
    "the server asks the browser for a client certificate, through this link, too: import the .p12 of client.add"
)


def open_(job: Job) -> Outcome:
    """Sets up a host that has no profile, once that is confirmed; starts a stopped server; changes nothing else.

    The user gets what the near end needs: of another Jupyter server of theirs, if that is at the port that was typed.
    Raises Refused if no one confirms, HostError.
    """
    if {"login", "no_login"} <= job.flags:
        raise UsageError("--login and --no-login contradict each other", "leave one of them out")
    if others.is_typed(job) and (found := others.open_(job)):
        return found
    has_link = not (job.host.local or "direct" in job.flags)
    name = host_name.of(job) if "host_names" in job.flags else "localhost"
    job = host_name.wanting(replace(job, wanted=replace(job.wanted, relay=has_link)), name)
    job.user.sees("looking")
    known, seen = see(job)
    named = host_name.add(job, name, seen)
    if named:
        if named.status:
            return named
        known, seen = see(job)
    course = Course(job.user)
    seen = _admitted(known, seen, course)
    outcome = _running(job, known, seen)
    if outcome.status:
        return outcome
    if outcome.changes:
        known, seen = see(job)
    outcome = replace(outcome, changes=(*reported(course.begun), *outcome.changes))
    if named:
        outcome = replace(outcome, verdict="changed", changes=(*named.changes, *outcome.changes))
    if has_link:
        return linked(known, seen, outcome, name)
    job.user.opens(_direct(known, _spec(known, seen), outcome))
    return _open(outcome)


def _admitted(job: Job, seen: Facts, course: Course) -> Facts:
    """What is seen once a server that runs admits nbfab on this machine. Raises HostError.

    Not if another run is at work there, which the relay waits for.
    """
    if seen.server.alive and not clients.is_admitted(job.wanted, seen):
        with suppress(Declined):
            return make(job, job.wanted, list(clients.plan(job.wanted, seen)), seen, course)
    return seen


def linked(job: Job, seen: Facts, outcome: Outcome, name: str = "localhost") -> Outcome:
    """The outcome of a server that runs, once the relay does, too, if it can. The user gets what the near end needs.

    `name` is the host's in the URL.
    """
    course = Course(job.user)
    seen, notes = _with_relay(job, seen, course)
    notes += _warns(job, seen, name)
    job.user.opens(replace(_spec(job, seen), name=name))
    return _open(replace(outcome, changes=(*outcome.changes, *reported(course.begun)), notes=(*outcome.notes, *notes)))


def _warns(job: Job, seen: Facts, name: str) -> tuple[str, ...]:
    """A note if the browser will warn, since a certificate that nbfab did not make is not for that name."""
    have = pem.load(seen.files.text(certificate.FILE))
    if not (have and kinds.stays(job.wanted, have) and renewal.lacking(pem.names_in(have), [name])):
        return ()
    words = f"the browser warns at {name}: nbfab did not make the certificate, which is not for that"
    return (Note(words, "at a name that it is for, without a link", task("open", "--direct")),)


def _open(outcome: Outcome) -> Outcome:
    return replace(outcome, verdict=outcome.verdict if outcome.verdict == "changed" else "running")


def _running(job: Job, known: Job, seen: Facts) -> Outcome:
    """The outcome once the server runs, whatever that takes. Raises Refused, HostError."""
    if not seen.server.alive and server.why_not_set_up(seen):
        if "yes" not in job.flags and not job.user.confirms(f"{job.host.label}: nothing is set up there; set it up?"):
            raise Refused("nothing is set up there, and no one has confirmed that it should be", again("--yes"))
        if password.missing(known.wanted, seen):  # one question is enough: the user is logged in without typing it
            job = replace(job, wanted=replace(job.wanted, password=job.user.makes_password(job.wanted.settings)))
        return converge(job)
    if not (seen.server.ours and seen.server.ready):
        return start(job)
    return describe(known, known.wanted, seen)


def _with_relay(job: Job, seen: Facts, course: Course) -> tuple[Facts, tuple[str, ...]]:
    """What is seen once the relay runs; if it cannot, a note says why. Raises HostError.

    Another run that is at work there may be the `open` of another laptop, which starts it.
    """
    for tries in count(1):
        try:
            changes = [*clients.plan(job.wanted, seen), *relay.plan(job.wanted, seen)]
            return make(job, job.wanted, changes, seen, course), ()
        except Declined as error:
            if course.begun or tries == TRIES:
                return seen, (f"nbfab's relay could not be started there: {error.words}",)
        time.sleep(1)
        job, seen = see(job)
        if seen.relay.socket:
            break
    return seen, ()


def _spec(job: Job, seen: Facts) -> Spec:
    settings, answer = job.wanted.settings, seen.server.answer
    port = answer.port if answer and seen.server.ready else settings.port
    token = fetch(job.host, settings.profile)
    cert = pem.load(seen.files.text(certificate.FILE))
    plain = f"{in_url(_address(settings))}:{port}"
    return Spec(
        host=job.host.label,
        profile=settings.profile,
        command=(),
        target=seen.relay.socket or plain,
        relayed=bool(seen.relay.socket),
        ports=(port,),
        plain=plain,
        certificate=pem.text(cert) if cert else "",
        issued=cert is not None and kinds.kind(cert, job.wanted.authorities) == "issued",
        token=token.reveal() if token else "",
        login="yes" if "login" in job.flags else "no" if "no_login" in job.flags else "",
        editor="editor" in job.flags,
        programs=dict(programs(settings.profile)),
        client=identity.file() if settings.client_certificates else "",
        notes=(CERTIFIED,) if settings.client_certificates else (),
    )


def _address(settings: Settings) -> str:
    """Where the server is reached on its own machine."""
    return "127.0.0.1" if settings.ip in (*EVERY_ADDRESS, "localhost") else settings.ip


def _direct(job: Job, spec: Spec, outcome: Outcome) -> Spec:
    """The spec for the server's own URL, without a link. Raises HostError if that cannot be reached from here."""
    settings = job.wanted.settings
    if job.host.local:
        return replace(spec, url=outcome.url, address=_address(settings))
    parts = urlsplit(outcome.url)
    place, presents = (parts.hostname or "", parts.port or 443), settings.client_certificates
    if why := reach.reach(*place, spec.certificate, presents=presents):
        raise HostError(f"{outcome.url} cannot be reached from here: {why}", "leave out --direct", task("open"))
    login = LOGIN if spec.issued else f"{UNKNOWN}; {LOGIN}"
    return replace(spec, url=outcome.url, notes=(LACKS, login, *spec.notes))
