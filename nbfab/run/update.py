"""Update: the newest packages that what was asked for allows; or those of before."""

from dataclasses import replace
from types import MappingProxyType

from nbfab.errors import Refused, UsageError
from nbfab.fix import task
from nbfab.look.facts import Facts
from nbfab.outcome import Outcome
from nbfab.plan import asked, install
from nbfab.requirements.requirements import Requirements
from nbfab.run.converge import foresee, go_on
from nbfab.run.job import Job
from nbfab.run.requirements import without_file
from nbfab.run.see import see

STEPS = (install.STEP,)


def update(job: Job) -> Outcome:
    """Brings the environment of the notebooks up to date, beside the one there; or goes back to the one before it."""
    job.user.sees("looking")
    job, seen = see(_meant(job), STEPS)
    job = _back(job, seen) if "rollback" in job.flags else job
    if "plan" in job.flags:
        return foresee(job, seen, STEPS)
    return go_on(job, seen, STEPS)


def preview(job: Job) -> Outcome:
    """What it would change."""
    return update(replace(job, flags=job.flags | {"plan"}))


def _meant(job: Job) -> Job:
    if {"rollback", "exact"} <= job.flags:
        raise UsageError("--rollback goes back to what was there, so --exact has no meaning", "leave one of them out")
    if "rollback" in job.flags:  # whatever the file asks for by now
        return replace(job, wanted=replace(job.wanted, settings=without_file(job.wanted.settings)))
    return replace(job, wanted=replace(job.wanted, update=True))


def _back(job: Job, seen: Facts) -> Job:
    """The job, with what the notebooks had before as what is chosen. Raises Refused if there is nothing."""
    had, settings = asked.had(seen), job.wanted.settings
    if had.before is None:
        raise Refused("the notebooks have had no other packages before, to go back to", task("status"))
    before = had.before
    sources = MappingProxyType({**settings.sources, "requirements": "rollback", "packages": "rollback"})
    settings = replace(settings, requirements=before.mark, packages=before.packages, sources=sources)
    file = Requirements(before.source, before.lines, before.constraints, before.python) if before.lines else None
    return replace(job, wanted=replace(job.wanted, settings=settings, requirements=file, env=had.env_before))
