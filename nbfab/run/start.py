"""Start and restart: the server as it was last set up; nothing else is changed."""

from collections.abc import Sequence
from dataclasses import replace

from nbfab.errors import HostError, Refused
from nbfab.fix import Note, task
from nbfab.look.facts import Facts
from nbfab.outcome import Outcome
from nbfab.plan import choices, server, takes
from nbfab.plan.change import Change
from nbfab.plan.files import check
from nbfab.plan.steps import managed
from nbfab.run.converge import Course, make, reported
from nbfab.run.describe import describe
from nbfab.run.job import Job
from nbfab.run.logout import after_start, gone
from nbfab.run.see import see
from nbfab.run.stop import ending


def start(job: Job) -> Outcome:
    """Starts the server, unless it runs. Raises Refused if it is not set up, HostError."""
    job.user.sees("looking")
    job, seen = see(job)
    if seen.server.ours and seen.server.ready:
        outcome = describe(job, job.wanted, seen)
        return replace(outcome, notes=("it runs already", *outcome.notes))
    change = _starting(job, seen)
    if seen.server.alive:
        why = f"it runs already, but does not answer: {seen.server.why_not_ready}"
        raise HostError(why, task("restart"))
    # After a crash, what would start it again in a moment has to end first.
    return _make(job, seen, [ending(job, seen)[0], change] if seen.server.between else [change])


def restart(job: Job) -> Outcome:
    """Ends the server, if it runs, by the rules of `stop`, and starts it. Raises as both do, before anything ends."""
    job.user.sees("looking")
    job, seen = see(job)
    change = _starting(job, seen)
    return _make(job, seen, [ending(job, seen)[0], change] if seen.server.alive or seen.server.between else [change])


def _starting(job: Job, seen: Facts) -> Change:
    """The change that starts the server. Raises Refused if it is not set up or a newer nbfab's, HostError."""
    choices.check_version(seen)
    check(managed(job.wanted.settings), seen)
    if why := server.why_not_set_up(seen):
        raise Refused(f"{why}, so it cannot be started as it was", task("setup"))
    return server.start(job.wanted, seen)


def _make(job: Job, seen: Facts, changes: Sequence[Change]) -> Outcome:
    """Makes the changes. Raises HostError if the server does not run then."""
    course = Course(job.user)
    ends, now = after_start(job, seen, make(job, job.wanted, changes, seen, course))
    outcome = describe(job, job.wanted, now)
    outcome = replace(outcome, verdict="changed", changes=reported(course.begun), notes=(*course.words, *outcome.notes))
    if ends and not now.server.alive:
        return gone(outcome, ends, now)
    if not (now.server.ours and now.server.ready):
        raise HostError("it was started, but does not answer", task("status"))
    if left := takes.pending(job.wanted, now):
        # What is in place has been taken up; this is what only a setup would write.
        note = Note(f"not set up yet: {', '.join(left)}", task("setup", "--restart"))
        outcome = replace(outcome, pending=(), notes=(*outcome.notes, note))
    return outcome
