"""Open running: what the near end needs to know of a server that runs already; nothing is set up or started for it."""

from dataclasses import replace

from nbfab.errors import HostError, Refused
from nbfab.fix import Note, task
from nbfab.look.facts import Facts
from nbfab.outcome import Outcome
from nbfab.plan import certificate, pem, server
from nbfab.run import host_name
from nbfab.run.job import Job
from nbfab.run.open import linked
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
    name, notes = _name(job, seen)
    return linked(job, seen, Outcome(job.host.label, job.task, "running", notes=notes), name)


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
