"""Status: whether the server runs, and what people want to know of it."""

from dataclasses import replace

from nbfab.look.facts import Facts
from nbfab.outcome import DUE, Outcome
from nbfab.plan import certificate, password
from nbfab.run.describe import describe
from nbfab.run.job import Job
from nbfab.run.see import see


def status(job: Job) -> Outcome:
    """The state of the server; exit status 1 if it does not run and answer, DUE if its certificate ends too soon."""
    job, seen = see(job)
    job.user.sees_hash(password.known(seen))
    outcome, server = describe(job, job.wanted, seen), seen.server
    if server.ours and server.ready and "fingerprint" in outcome.state:
        return _in_time(job, replace(outcome, verdict="running"), seen)
    why = "it does not run"
    if server.ours and server.ready:
        why = "it runs, but its certificate is gone"
    elif server.alive and not server.ours:
        why = "a process with its pid runs, but that cannot be proven to be it"
    elif server.alive:
        why = f"it runs, but does not answer: {server.why_not_ready}"
    tail = f"; its log ends:\n{server.log}" if server.log and server.started else ""
    return replace(outcome, verdict="not running", error=why + tail, hint=job.user.command("serve"), status=1)


def _in_time(job: Job, outcome: Outcome, seen: Facts) -> Outcome:
    """The outcome of a server that runs; DUE if its certificate has fewer days left than were asked for."""
    left = outcome.state["days_left"]
    if job.days_left is None or left >= job.days_left:
        return outcome
    error = f"its certificate has {left} days left, fewer than {job.days_left}"
    # One that has many left is not renewed yet, and one that an authority has issued is not nbfab's to renew.
    renews = list(certificate.plan(job.wanted, seen))
    return replace(outcome, error=error, hint=job.user.command("certificate") if renews else "", status=DUE)
