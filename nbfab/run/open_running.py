"""Open running: what the near end needs to know of a server that runs already; nothing is set up or started for it."""

from dataclasses import replace

from nbfab.apply.apply import Declined
from nbfab.errors import HostError, Refused
from nbfab.fix import Note, task
from nbfab.look.facts import Facts
from nbfab.outcome import Outcome
from nbfab.plan import certificate, pem, relay, server
from nbfab.run import host_name
from nbfab.run.converge import Course, make, reported
from nbfab.run.job import Job
from nbfab.run.open import _spec as spec_of
from nbfab.run.see import see


def open_running(job: Job) -> Outcome:
    """Starts the relay on a host whose server runs, if it does not run yet, and changes nothing else.

    The user gets what the near end needs; with a server that does not run, the verdict says so.
    Raises Refused if nothing is set up there, HostError.
    """
    job = replace(job, wanted=replace(job.wanted, relay=True))
    job.user.sees("looking")
    job, seen = see(job)
    if not seen.server.alive:
        if why := server.why_not_set_up(seen):
            raise Refused(why, task("setup"))
        why = "it was stopped" if seen.server.log else "it has not been started"
        return Outcome(job.host.label, job.task, "not running", error=why, fix=(task("start"),), status=1)
    if not (seen.server.ours and seen.server.ready):
        raise HostError(f"it runs, but does not answer: {seen.server.why_not_ready}", task("status"))
    course = Course(job.user)
    notes: tuple[str, ...] = ()
    try:
        seen = make(job, job.wanted, list(relay.plan(job.wanted, seen)), seen, course)
    except Declined as error:
        notes = (f"nbfab's relay could not be started there: {error.words}",)
    name, more = _name(job, seen)
    job.user.opens(replace(spec_of(job, seen), name=name))
    outcome = Outcome(job.host.label, job.task, "running", notes=(*notes, *more))
    return replace(outcome, changes=reported(course.begun))


def _name(job: Job, seen: Facts) -> tuple[str, tuple[str, ...]]:
    """The host's name in its URL here, and why that is none of its own if one was asked for."""
    if "host_names" not in job.flags:
        return "localhost", ()
    label = host_name.label(job.host.label)
    have = pem.load(seen.files.text(certificate.FILE))
    if label and have and f"{label}.localhost" in pem.names_in(have):
        return f"{label}.localhost", ()
    if not label:
        return "localhost", (f"it opens at localhost: {job.host.label} gives no name that a certificate can carry",)
    why = f"it opens at localhost: its certificate is not for {label}.localhost"
    return "localhost", (Note(why, task("certificate", f"--name={label}.localhost")),)
