"""See: look at a host, and settle which settings count there."""

from collections.abc import Sequence
from dataclasses import replace

from nbfab.errors import UsageError
from nbfab.fix import task
from nbfab.look.facts import Facts
from nbfab.look.look import look
from nbfab.plan.adopt import adopt
from nbfab.plan.settle import settle
from nbfab.plan.step import Step
from nbfab.plan.steps import owned, request
from nbfab.run import identity
from nbfab.run.job import Job
from nbfab.run.requirements import with_file
from nbfab.settings import written


def see(job: Job, steps: Sequence[Step] = ()) -> tuple[Job, Facts]:
    """The job with what was chosen for the profile before, and the facts; raises NbfabError.

    A run of `steps` may change their settings only; without any, the profile's own count throughout.
    """
    options = owned(steps)
    for key in job.wanted.resets:
        if key not in options:
            raise UsageError(f"{job.task} does not change {key}", task("setup", f"--reset={key}"))
    if "requirements" in options and not job.wanted.given:  # others do without the file, whatever is wrong with it
        job = replace(job, wanted=with_file(job.wanted, job.files))
    seen = adopt(look(job.host, request(job.wanted, steps)))
    wanted = settle(job.wanted, seen, options)
    settings, went_by = wanted.settings, seen.choices
    needed = (str(settings.port), settings.directory, settings.python, settings.app, written(settings.packages))
    went_by_them = needed == (went_by.port, went_by.directory, went_by.python, went_by.app, went_by.packages)
    same_kernels = "\n".join(settings.kernels) == went_by.kernels
    if not (went_by_them and same_kernels) or seen.environments.unsought or seen.kernels.unsought:
        # The host went by others: the profile is of a release that kept no choices, or a flag does not count here. Or
        # an environment is to be sought by the name that the profile has.
        seen = adopt(look(job.host, request(wanted)))
    if settings.client_certificates:
        # The doctor changes nothing, here neither.
        wanted = replace(wanted, client=identity.known() if wanted.doctor else identity.certificate())
    return replace(job, wanted=wanted), seen
