"""What the packages that are asked for come to, before anything is done."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from nbfab.apply.resolve import Offline, resolve
from nbfab.errors import HostError, UsageError
from nbfab.look.facts import Facts
from nbfab.plan import install
from nbfab.plan.change import Change
from nbfab.resolution import Resolution
from nbfab.run.job import Job
from nbfab.run.wheelhouse import locked
from nbfab.wanted import Wanted

if TYPE_CHECKING:
    from nbfab.wheels.lock import Lock


def with_resolution(job: Job, wanted: Wanted, seen: Facts, changes: Sequence[Change]) -> Wanted:
    """What is wanted, with what it comes to, if an environment is to be built. Raises NbfabError.

    Where the server has no environment yet, there may be no Python to find it out with: then it is known in the end.
    For a host that reaches no index of packages it is found out here, if it can be.
    """
    build = next((change for change in changes if change.kind == "build environment"), None)
    if build is None or all(of.python != build.args["base_python"] for of in seen.environments.found):
        return wanted
    job.user.sees("finding out which packages that takes")
    try:
        if not install.takes_uv(seen):
            return replace(wanted, resolution=resolve(job.host, build.args))
    except Offline as error:
        job.user.sees(f"  not there: {error}")
    try:
        return replace(wanted, resolution=_here(job, wanted, seen, build))
    except (HostError, UsageError) as error:
        job.user.sees(f"  not known yet: {error}")
        return wanted


def _here(job: Job, wanted: Wanted, seen: Facts, build: Change) -> Resolution:
    """The same, by this machine's index. Raises HostError or UsageError."""
    asked = build.args["carried"].split()

    def lock(carried: Sequence[str]) -> "Lock":
        return locked(job, wanted, seen, replace(build, args={**build.args, "carried": " ".join(carried)}))

    def fit(carried: Sequence[str]) -> bool:
        try:
            lock(carried)
        except HostError:
            return False
        return True

    if not fit(asked):
        lock(())  # or it is not for them that it fails
    carried = fitting(asked, fit)
    versions = {wheel.name: wheel.version for wheel in lock(carried).wheels}
    dropped = tuple(package for package in asked if package not in carried)
    return Resolution(versions, carried=tuple(carried), dropped=dropped)


def fitting(packages: Sequence[str], fit: Callable[[Sequence[str]], bool]) -> list[str]:
    """Those of the packages that `fit` together: halves of what does not are tried, so that few are asked for alone."""
    found: list[str] = []
    groups = [list(packages)]
    while groups:
        group = groups.pop(0)
        if fit([*found, *group]):
            found += group
        elif len(group) > 1:
            half = len(group) // 2
            groups[:0] = [group[:half], group[half:]]
    return found


def dropped(wanted: Wanted) -> tuple[str, ...]:
    """What was installed by hand and does not fit, for people."""
    if wanted.resolution is None or not wanted.resolution.dropped:
        return ()
    return (f"installed by hand, and does not fit any more: {', '.join(wanted.resolution.dropped)}",)
