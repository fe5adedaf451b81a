"""Environments: every one on a host, found by its files, and which of them serves or is in the menu of kernels."""

from dataclasses import replace

from nbfab.outcome import Outcome
from nbfab.plan.every import rows
from nbfab.run.job import Job
from nbfab.run.see import see


def environments(job: Job) -> Outcome:
    """All of them, for `--python` and `--kernel` to name; changes nothing."""
    job.user.sees("looking")
    job, seen = see(replace(job, wanted=replace(job.wanted, environments=True)))
    found = [row.document() for row in rows(job.wanted, seen)]
    return Outcome(job.host.label, job.task, "unchanged", state={"environments": found})
