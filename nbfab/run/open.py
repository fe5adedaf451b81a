"""Open: all that has to be on a host before its page can be opened from here, and what the near end needs to know."""

import time
from dataclasses import replace
from itertools import count

from nbfab.apply.apply import Declined
from nbfab.apply.token import fetch
from nbfab.errors import Refused
from nbfab.fix import again
from nbfab.look.facts import Facts
from nbfab.names import EVERY_ADDRESS, in_url
from nbfab.outcome import Outcome
from nbfab.plan import certificate, pem, relay, server
from nbfab.run.converge import Course, converge, make, reported
from nbfab.run.describe import describe
from nbfab.run.job import Job
from nbfab.run.see import see
from nbfab.run.start import start
from nbfab.tunnel.spec import Spec

TRIES = 5  # to start the relay, one a second, where another run is at work


def open_(job: Job) -> Outcome:
    """Sets up a host that has no profile, once that is confirmed; starts a stopped server; changes nothing else.

    The user gets what the near end needs. Raises Refused if no one confirms, HostError.
    """
    job = replace(job, wanted=replace(job.wanted, relay=not job.host.local))
    job.user.sees("looking")
    known, seen = see(job)
    outcome = _running(job, known, seen)
    if outcome.status:
        return outcome
    if outcome.changes:
        known, seen = see(job)
    course = Course(job.user)
    notes: tuple[str, ...] = ()
    if not job.host.local:
        seen, notes = _with_relay(known, seen, course)
    job.user.opens(_spec(known, seen))
    changes = (*outcome.changes, *reported(course.begun))
    verdict = outcome.verdict if outcome.verdict == "changed" else "running"
    return replace(outcome, verdict=verdict, changes=changes, notes=(*outcome.notes, *notes))


def _running(job: Job, known: Job, seen: Facts) -> Outcome:
    """The outcome once the server runs, whatever that takes. Raises Refused, HostError."""
    if not seen.server.alive and server.why_not_set_up(seen):
        if "yes" not in job.flags and not job.user.confirms(f"{job.host.label}: nothing is set up there; set it up?"):
            raise Refused("nothing is set up there, and no one has confirmed that it should be", again("--yes"))
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
            return make(job, job.wanted, list(relay.plan(job.wanted, seen)), seen, course), ()
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
    cert = seen.files.text(certificate.FILE)
    address = "127.0.0.1" if settings.ip in (*EVERY_ADDRESS, "localhost") else settings.ip
    plain = f"{in_url(address)}:{port}"
    return Spec(
        host=job.host.label,
        profile=settings.profile,
        command=(),
        target=seen.relay.socket or plain,
        relayed=bool(seen.relay.socket),
        ports=(port,),
        plain=plain,
        certificate=cert if pem.load(cert) else "",
        token=token.reveal() if token else "",
    )
