"""Doctor: what is wrong with a host, in layers, each with why and what to do. It changes nothing."""

import time
from dataclasses import replace

from nbfab.doctor import bundle
from nbfab.doctor.layers import examine
from nbfab.errors import ConnectError, HostError, HostKeyError, NbfabError, Refused, UsageError
from nbfab.finding import Finding
from nbfab.fix import Fix
from nbfab.look.facts import Facts
from nbfab.outcome import Outcome, Verdict
from nbfab.run import near as nears
from nbfab.run.job import Job
from nbfab.run.requirements import with_file, without_file
from nbfab.run.see import see


def doctor(job: Job) -> Outcome:
    """What is found in each layer; exit status 1 if anything is wrong. One connection, at most two programs."""
    listener, asked = nears.Listener(job.host), time.time()
    job, unread = _with_mark(replace(job, wanted=replace(job.wanted, doctor=True)))
    error: NbfabError | None = None
    seen: Facts | None = None
    try:
        job.user.sees("looking")
        settled, seen = see(replace(job, host=listener))
        job = replace(job, wanted=settled.wanted)
    except (ConnectError, HostKeyError, HostError, Refused) as caught:
        error = caught
    near = replace(nears.of(job.host, listener, asked, error), unread=unread)
    if seen:
        job.user.sees("looking from here")
        near = nears.with_port(near, job.host, job.wanted, seen)
    found = examine(job.wanted, near, seen)
    outcome = _outcome(job, found, error)
    names = (job.host.label, *job.host.names, *([error.jump.rpartition("@")[2]] if error else []))
    outcome = replace(outcome, bundle=bundle.text(names, job.wanted, near, seen, named="bundle_names" in job.flags))
    if seen is None:
        return outcome
    state = {"running": seen.server.ours, "folder": seen.files.folder}
    return replace(outcome, state=state if job.host.local else {**state, "ssh": job.host.ssh})


def _with_mark(job: Job) -> tuple[Job, UsageError | None]:
    """The job with the mark of the requirements file, which says whether the profile has that; or why it cannot."""
    try:
        return replace(job, wanted=replace(with_file(job.wanted, job.files), requirements=None)), None
    except UsageError as error:
        return replace(job, wanted=replace(job.wanted, settings=without_file(job.wanted.settings))), error


def _outcome(job: Job, found: tuple[Finding, ...], error: NbfabError | None) -> Outcome:
    wrong = [finding for finding in found if finding.state == "failed"]
    verdict: Verdict = "healthy" if not wrong else "faulty"
    if isinstance(error, ConnectError | HostKeyError):
        verdict = "not reached"
    return Outcome(
        job.host.label,
        job.task,
        verdict,
        findings=found,
        error="; ".join(f"{finding.layer}: {finding.words}" for finding in wrong),
        fix=_fixes(wrong),
        jump=error.jump if error else "",
        status=1 if wrong else 0,
    )


def _fixes(wrong: list[Finding]) -> Fix:
    """What to do about all of it; each thing once."""
    return tuple(dict.fromkeys(part for finding in wrong for part in finding.fix))
