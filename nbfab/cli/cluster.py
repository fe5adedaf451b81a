"""The tasks `cluster.*`: the hosts of an inventory as one Dask cluster."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbfab.cli.call import INVENTORY, Call
from nbfab.cli.report import Report
from nbfab.errors import UsageError

if TYPE_CHECKING:
    from nbfab.cluster.decide import Asked
    from nbfab.outcome import Outcome
    from nbfab.run.job import Body, Job


def up(call: Call) -> None:
    """Makes the hosts members of the cluster; each learns what the others are."""
    from collections.abc import Sequence

    from nbfab.cli.fleet import on_fleet
    from nbfab.fleet.cluster import Kept
    from nbfab.fleet.meeting import Gathering, Meeting
    from nbfab.settings import BY_KEY

    with Report(call.task, call.json, call.quiet).errors():
        asked = _asked(call)
    # By the profile that was named alone: the hosts of an inventory may each have another one.
    named = call.given["profile"] or BY_KEY["profile"].default
    kept = Kept(Path(call.given["inventory"] or INVENTORY), named if named != BY_KEY["profile"].default else "")

    def gathering(*, changes: bool) -> Gathering:
        def makes(meeting: Meeting[Any], names: Sequence[str]) -> "Body":
            secret, last = kept.authority(time.time(), makes=changes), kept.scheduler

            def body(job: "Job") -> "Outcome":
                from nbfab.run import cluster

                party = cluster.Party(meeting, asked, names, secret, last, kept.remember)
                return cluster.up(job, party) if changes else cluster.preview(job, party)

            return body

        return Gathering(makes, "nbfab.run.cluster")

    preview = gathering(changes=False)
    if "plan" in call.flags:
        return on_fleet(call, preview, None)
    on_fleet(call, gathering(changes=True), preview)


def _asked(call: Call) -> "Asked":
    """What the flags ask for. Raises UsageError."""
    from nbfab.cluster.decide import Asked
    from nbfab.cluster.member import MEMORY, MOST_THREADS
    from nbfab.cluster.ports import MOST
    from nbfab.settings import whole_number

    numbers: dict[str, int | None] = {}
    for name, most in (("workers", MOST), ("threads", MOST_THREADS)):
        given = call.given[name]
        try:
            shared = name == "threads" and given == "auto"
            numbers[name] = None if given is None else 0 if shared else whole_number(1, most)(given)
        except ValueError as error:
            raise UsageError(f"{name} must be {error}, not {given!r}") from None
    memory = call.given["memory"]
    if memory is not None and not MEMORY.fullmatch(memory):
        raise UsageError(f"memory must be a size such as 4GiB, or auto, not {memory[:60]!r}")
    return Asked(call.given["scheduler"], numbers["workers"], numbers["threads"], memory)


def status(call: Call) -> None:
    """Says which members run."""
    from nbfab.cli.fleet import on_fleet
    from nbfab.run import cluster

    on_fleet(call, cluster.status, None)


def stop(call: Call) -> None:
    """Ends all members."""
    from nbfab.cli.fleet import on_fleet
    from nbfab.run import cluster

    on_fleet(call, cluster.stop, None)


def logs(call: Call) -> None:
    """Prints what the members have printed."""
    from nbfab.cli.fleet import on_fleet
    from nbfab.run.logs import of_cluster

    on_fleet(call, of_cluster, None)
