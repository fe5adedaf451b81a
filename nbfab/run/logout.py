"""Whether a server outlives the login that started it: a second look, over a connection of its own."""

import time
from dataclasses import replace

from nbfab.fix import there
from nbfab.look.facts import Facts
from nbfab.outcome import Outcome
from nbfab.plan.server import enable_linger
from nbfab.run.job import Job
from nbfab.run.see import see

SECONDS = 10  # that logind may take to end a session; a server that is told to end has gone within one


def look_again(job: Job) -> Facts:
    """What is seen once the login that started the server is closed.

    A server that belongs to a login's session is looked at until it has ended, or for SECONDS.
    """
    end = time.monotonic() + SECONDS
    job.user.sees("looking again, after a logout")
    job.host.close()
    while True:
        job, seen = see(job)
        server = seen.server
        if not server.alive or (server.ready and not server.session) or time.monotonic() > end:
            return seen
        time.sleep(0.5)


def after_start(job: Job, before: Facts, now: Facts) -> tuple[str, Facts]:
    """Whose server ends at logout, empty if it does not, and what is seen once it has been started.

    `before` and `now` are what was seen before and after.
    """
    ends = "" if job.host.local else now.server.ends_at_logout or before.server.ends_at_logout
    return ends, look_again(job) if ends else now


def gone(outcome: Outcome, user: str, seen: Facts) -> Outcome:
    """The outcome, now that the server has not outlived the login."""
    why = f"logind ends what {user} leaves running (KillUserProcesses), and lingering could not be turned on"
    return replace(
        outcome,
        verdict="failed",
        error=f"the server was ready, and has ended with the login that started it: {why}",
        fix=("as an administrator", there(enable_linger(user, seen))),
        status=1,
    )
