"""Remove: takes away everything that nbfab has put on a host."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from nbfab.errors import HostError, Refused
from nbfab.fix import Command, Note, again
from nbfab.look.facts import Facts
from nbfab.outcome import Outcome
from nbfab.plan import removal
from nbfab.plan.change import Change
from nbfab.run.converge import Course, make, reported
from nbfab.run.job import Job
from nbfab.run.see import see
from nbfab.run.stop import check_ours

ROUNDS = 3


def remove(job: Job) -> Outcome:
    """Shows what there is to remove, asks, and removes it. Raises HostError, and Refused where kernels are live.

    With the flag `yes` nothing is asked, with `force` kernels end, and with `linger_off` lingering does.
    """
    job, seen, changes = _plan(job)
    outcome = _outcome(job, seen, changes)
    if not changes:
        if seen.files.state == "absent":
            job.user.sees_hash("")
        return replace(outcome, notes=(*outcome.notes, *_itself(job, seen)))
    if not _agreed(job, outcome):
        return replace(
            outcome,
            verdict="refused",
            changes=(),
            withheld=tuple(change.summary for change in changes),
            error="nothing was removed, because no one has confirmed it",
            fix=(again("--yes"),),
            status=Refused.status,
        )
    if _turns_lingering_off(job, seen):
        job = replace(job, wanted=replace(job.wanted, linger_off=True))
        changes = removal.plan(job.wanted, seen)
    course, now = Course(job.user), seen
    # What a kernel has just started may write once more as it ends.
    for _ in range(ROUNDS):
        now = make(job, job.wanted, changes, now, course)
        if not (changes := removal.plan(job.wanted, now)):
            break
    remains = [change.summary for change in changes]
    if remains or now.server.alive:
        raise HostError(f"removed, but this remains: {(*remains, 'its server runs')[0]}", again())
    job.user.sees_hash("")
    notes = (*course.words, *removal.notes(job.wanted, seen), *_itself(job, seen))
    begun = {change.summary: change for change in course.begun}  # a second round may have had to do the same
    return replace(outcome, verdict="changed", changes=reported([*begun.values()]), notes=notes)


def preview(job: Job) -> Outcome:
    """What `remove` would take away; changes nothing."""
    job, seen, changes = _plan(job)
    return _outcome(job, seen, changes)


def _plan(job: Job) -> tuple[Job, Facts, list[Change]]:
    """What is seen, and what has to be removed. Raises Refused if that would end kernels unasked, HostError."""
    job = replace(job, wanted=replace(job.wanted, removing=True, linger_off="linger_off" in job.flags))
    job.user.sees("looking")
    job, seen = see(job)
    check_ours(seen)
    changes = removal.plan(job.wanted, seen)
    if (live := ", ".join(removal.live(seen))) and "force" not in job.flags:
        raise Refused(f"nothing was removed, because that would end {live}", again("--force"))
    return job, seen, changes


def _outcome(job: Job, seen: Facts, changes: Sequence[Change]) -> Outcome:
    notes = tuple(removal.notes(job.wanted, seen))
    outcome = Outcome(job.host.label, job.task, "unchanged", changes=reported(changes), notes=notes)
    return replace(outcome, verdict="would change") if changes else outcome


def _itself(job: Job, seen: Facts) -> Iterator[Note]:
    """What stays of nbfab itself on this machine, if it runs from a clone, whose environment may serve a profile."""
    clone = Path(__file__).parents[2]
    made = [str(clone / name) for name in (".venv", ".bootstrap") if (clone / name).exists()]
    if job.host.local and (clone / "bootstrap.sh").exists() and made and not seen.left.profiles:
        keeps = f"the clone {clone} stays, with the environment that nbfab runs in; to remove that, too"
        yield Note(keeps, Command(shlex.join(["rm", "-rf", *made])))


def _agreed(job: Job, outcome: Outcome) -> bool:
    """Whether it may be removed: by a flag, or by the answer to a question."""
    if "yes" in job.flags:
        return True
    job.user.shows(job.settled(outcome))
    return job.user.confirms(f"{job.host.label}: remove all of this?")


def _turns_lingering_off(job: Job, seen: Facts) -> bool:
    """Whether lingering is to be turned off as well: a question of its own, and never asked for nothing."""
    user = removal.lingering(seen)
    if "linger_off" in job.flags or "yes" in job.flags or not user or seen.left.profiles:
        return False
    return job.user.confirms(f"{job.host.label}: nbfab turned lingering on for {user}; turn it off, too?")
