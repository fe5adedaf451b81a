"""Status: whether the server runs, and what people want to know of it."""

from dataclasses import replace

from nbfab.outcome import Outcome
from nbfab.plan import password
from nbfab.run.describe import describe
from nbfab.run.job import Job
from nbfab.run.see import see


def status(job: Job) -> Outcome:
    """The state of the server; exit status 1 if it does not run and answer."""
    job, seen = see(job)
    job.user.sees_hash(password.known(seen))
    outcome, server = describe(job, job.wanted, seen), seen.server
    if server.ours and server.ready and "fingerprint" in outcome.state:
        return outcome
    why = "it does not run"
    if server.ours and server.ready:
        why = "it runs, but its certificate is gone"
    elif server.alive and not server.ours:
        why = "a process with its pid runs, but that cannot be proven to be it"
    elif server.alive:
        why = f"it runs, but does not answer: {server.why_not_ready}"
    tail = f"; its log ends:\n{server.log}" if server.log and server.started else ""
    return replace(outcome, error=why + tail, hint=job.user.command("serve"), status=1)
