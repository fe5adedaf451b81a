"""What the packages that are asked for come to, before anything is done."""

from collections.abc import Sequence
from dataclasses import replace

from nbfab.apply.resolve import Offline, resolve
from nbfab.look.facts import Facts
from nbfab.plan.change import Change
from nbfab.run.job import Job
from nbfab.wanted import Wanted


def with_resolution(job: Job, wanted: Wanted, seen: Facts, changes: Sequence[Change]) -> Wanted:
    """What is wanted, with what it comes to, if an environment is to be built. Raises NbfabError.

    Where the server has no environment yet, there may be no Python to find it out with, and a host may reach no index
    of packages before it is lent one: then it is known in the end.
    """
    build = next((change for change in changes if change.kind == "build environment"), None)
    if build is None or all(of.python != build.args["base_python"] for of in seen.environments.found):
        return wanted
    job.user.sees("finding out which packages that takes")
    try:
        return replace(wanted, resolution=resolve(job.host, build.args))
    except Offline as error:
        job.user.sees(f"  not known yet: {error}")
        return wanted


def dropped(wanted: Wanted) -> tuple[str, ...]:
    """What was installed by hand and does not fit, for people."""
    if wanted.resolution is None or not wanted.resolution.dropped:
        return ()
    return (f"installed by hand, and does not fit any more: {', '.join(wanted.resolution.dropped)}",)
