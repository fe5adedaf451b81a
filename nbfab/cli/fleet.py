"""A task on the hosts of an inventory: which of them, the question before a change, the table at the end."""

import _thread
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from invoke import Exit

from nbfab.cli.bundle import bundled, check, tell
from nbfab.cli.call import INVENTORY, Call
from nbfab.cli.exported import instructions_beside
from nbfab.cli.init import plain
from nbfab.cli.kernel import check_one
from nbfab.cli.report import Report
from nbfab.errors import Interrupted, UsageError
from nbfab.fix import Command, Task, again, task

if TYPE_CHECKING:
    from nbfab.cli.many import Many
    from nbfab.fleet.meeting import Gathering
    from nbfab.inventory.hosts import Inventory, InventoryHost
    from nbfab.outcome import Outcome
    from nbfab.run.job import Body, Job


def on_fleet(call: Call, body: "Body | Gathering", preview: "Body | Gathering | None") -> None:
    """Runs `body` on the hosts; ends the program unless every host is as wanted.

    On a terminal, a task with a `preview` first shows what that says would change, and asks.
    """
    report = Report(call.task, call.json, call.quiet)
    with report.errors():
        check(call)
        check_one(call)
        jobs = jobs_of(call.given.get("jobs"))
        inventory, many = many_of(call)
        from nbfab.cli.many import exit_status
        from nbfab.fleet import memory

        run, remembered = None, memory.Memory(inventory.path, call.task)
        try:
            if preview and _ask(call, many, preview, jobs, report):
                body = _agreed(body)
            whole = "failed" not in call.flags and call.given["limit"] is None
            remembered.begins(many.names, whole=whole)
            run = many.run(call.task, body, jobs, fail_fast="fail_fast" in call.flags, records=remembered.ends)
        finally:
            if run is None or not run.left:  # or it would wait for hosts that the user does not wait for
                many.close()
        outcomes = many.all_outcomes(run)
        remembered.ends(*outcomes)
        memory.forget(inventory.path, outcomes)
        bundle = bundled(call, outcomes)
        if call.json:
            report.document(outcomes, exit_status(outcomes, run), passwords=many.handout.path, bundle=bundle)
        else:
            from nbfab.display.environments_fleet import many as environments
            from nbfab.display.fleet import plans, table
            from nbfab.display.kernels_fleet import many as live
            from nbfab.display.logs import merged
            from nbfab.display.output import show

            listed = environments if "list" in call.flags else table
            if call.task == "cluster.up" and "plan" in call.flags:
                listed = plans
            report.many(
                outcomes,
                {"plan": plans, "logs": merged, "cluster.logs": merged, "kernels": live}.get(call.task, listed),
            )
            if many.handout.path:
                show(f"\nURLs and passwords, for you alone: {many.handout.path}")
        tell(call, bundle)
        report.corrected(many.handout)
        remembered.check()
    if status := exit_status(outcomes, run):
        raise Exit(code=status)


def follow_fleet(call: Call) -> None:
    """Prints what is added to the logs of all hosts until Control-C, and what kept a host from that."""
    from nbfab.cli.many import exit_status
    from nbfab.display.fleet import table
    from nbfab.display.output import complain
    from nbfab.run.logs import LEFT, logs

    stopping = threading.Event()

    def follow(job: "Job") -> "Outcome":
        outcome = logs(job, stopping.is_set)
        if outcome.status == LEFT:  # so no host needs to be followed
            _thread.interrupt_main()
        return outcome

    report = Report(call.task, json=False, quiet=call.quiet)
    with report.errors():
        _, many = many_of(call)
        run = None
        try:
            run = many.run(
                call.task,
                follow,
                max(1, len(many.names)),
                ended=lambda outcome: None,
                stopping=stopping,
                grace=0,
            )
        finally:
            if run is None or not run.left:
                many.close()
        outcomes = many.all_outcomes(run)
        if failed := [outcome for outcome in outcomes if outcome.error and outcome.verdict != "interrupted"]:
            complain(table(failed))
    if status := exit_status(outcomes, run):
        raise Exit(code=status)


def page_of_fleet(call: Call, body: "Body") -> None:
    """Writes the page, from what `body`, the status, says of each host; ends the program unless all of them run."""
    from nbfab.cli.many import exit_status
    from nbfab.display.output import show
    from nbfab.display.page import page

    report = Report(call.task, call.json, call.quiet)
    with report.errors():
        jobs = jobs_of(call.given["jobs"])
        inventory, many = many_of(call)
        try:
            run = many.run("status", body, jobs)
        finally:
            many.close()
        if run.interrupted:
            raise Interrupted("the page was not written", "run it again", by=run.interrupted)
        outcomes = many.all_outcomes(run)
        path = Path(call.given["output"] or "fleet.html").absolute()
        trust, hint = instructions_beside(call, path)
        _write(path, page(outcomes, time.strftime("%Y-%m-%d %H:%M %Z"), _opens(call, inventory), trust))
        if call.json:
            report.document(outcomes, exit_status(outcomes, run), page=str(path))
        elif not call.quiet or exit_status(outcomes, run):
            show(f"{path}: {sum(not outcome.status for outcome in outcomes)} of {len(outcomes)} running{hint}")
        report.corrected(many.handout)
    if status := exit_status(outcomes, run):
        raise Exit(code=status)


def _opens(call: Call, inventory: "Inventory") -> "Callable[[str], str]":
    """The command line that opens a host: alone, if -H finds it in its inventory."""
    if inventory.path == INVENTORY:
        return lambda name: call.command(("-H", name))("open")
    option = ("--inventory", str(inventory.path))
    return lambda name: call.command((), (*option, "--limit", name), prefix="fleet.")("open")


def chosen(call: Call) -> "tuple[Inventory, Sequence[InventoryHost]]":
    """The inventory, and the hosts in it that --limit and --failed leave. Prints what was not understood.

    Raises UsageError.
    """
    from nbfab.display.output import complain
    from nbfab.fleet import memory
    from nbfab.inventory.load import load

    call.check_dry_run()
    if named := getattr(call.c, "nbfab_hosts", ()):
        limit = ",".join(host.host for host in named)
        raise UsageError(
            "a fleet's hosts are those of its inventory, not of -H", task(f"fleet.{call.task}", f"--limit={limit}")
        )
    given, limit = call.given["inventory"], call.given["limit"]
    path = Path(given or INVENTORY)
    if not given and not path.exists():
        raise UsageError(f"there is no {path} here; --inventory FILE names another", Command(plain(call)("init")))
    says = (lambda line: None) if call.quiet else complain
    inventory = load(path, named=bool(given), says=says)
    for note in inventory.notes:
        says(note)
    hosts: Sequence[InventoryHost] = inventory.hosts if limit is None else inventory.select(limit)
    if "failed" in call.flags:
        names = memory.failed(path, call.task)
        hosts = [host for host in hosts if host.name in names]
    return inventory, hosts


def many_of(call: Call) -> "tuple[Inventory, Many]":
    """The inventory, and those hosts of it. Raises UsageError."""
    inventory, hosts = chosen(call)
    routes = call.routes(host for host in hosts if not host.unread)  # looked up while this imports
    from nbfab.cli.many import Many

    given, limit = call.given["inventory"], call.given["limit"]
    option = ("--inventory", given) if given else ()

    def command(host: "InventoryHost") -> "Callable[..., str]":
        of_host = call.command((), (*option, "--limit", host.name), prefix="fleet.")
        # What is done with a cluster is done with all of it.
        return lambda task, *more: (of_all if task.startswith("cluster.") else of_host)(task, *more)

    def without(host: "InventoryHost") -> Task:
        return again(f"--limit={','.join(filter(None, (limit, f'!{host.name}')))}")

    of_all = call.command((), (*option, *(() if limit is None else ("--limit", limit))))
    some = (*(() if limit is None else ("--limit", limit)), *(("--failed",) if "failed" in call.flags else ()))
    return inventory, Many(
        call,
        hosts,
        routes,
        command,
        inventory=inventory.path,
        whole=call.command((), (*option, *some), prefix="fleet."),
        order=[host.name for host in inventory.hosts],
        without=without,
        types=True,
    )


def _ask(call: Call, many: "Many", preview: "Body | Gathering", jobs: int, report: Report) -> bool:
    """Shows what would change and asks, if someone is there to answer. Whether they have; raises Exit if it is no."""
    from nbfab.cli.many import exit_status
    from nbfab.display.fleet import plans
    from nbfab.display.output import complain, show
    from nbfab.display.questions import someone_is_there

    if "yes" in call.flags or call.json or not many.has_members or not someone_is_there():
        return False
    run = many.run("plan" if call.task == "setup" else call.task, preview, jobs)
    seen = run.in_order()
    report.many([*seen, *many.outcomes.values()], plans)
    if run.stopping.is_set():
        raise _unchanged(exit_status(seen, run))
    # No one has seen what would change on a host that was not reached, so nothing is changed there.
    many.outcomes |= {outcome.host: outcome for outcome in seen if outcome.status}
    if not any(outcome.verdict == "would change" for outcome in seen):
        if not call.quiet:
            show("nothing to do on the hosts that were reached")
        return False
    try:
        agreed = many.confirms("Go on?")
    except KeyboardInterrupt as error:
        complain("")
        raise _unchanged(Interrupted("", by=error).status) from None
    if not agreed:
        raise _unchanged(1)
    return True


def _agreed(body: "Body | Gathering") -> "Body | Gathering":
    """The body, on hosts about which the question was answered with yes."""
    from nbfab.fleet.meeting import Gathering

    if isinstance(body, Gathering):
        return body

    def do(job: "Job") -> "Outcome":
        return body(replace(job, flags=job.flags | {"yes"}))

    return do


def _unchanged(status: int) -> Exit:
    from nbfab.display.output import complain

    complain("nothing was changed")
    return Exit(code=status)


def jobs_of(given: str | None) -> int:
    """How many hosts to work on at a time. Raises UsageError."""
    from nbfab.fleet.run import JOBS

    if given is None:
        return JOBS
    if not (given.isascii() and given.isdigit() and 1 <= int(given[:9]) <= 500):
        raise UsageError(f"jobs must be a whole number from 1 to 500, not {given!r}")
    return int(given)


def _write(path: Path, text: str) -> None:
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        new.write_text(text, encoding="utf-8")
        new.replace(path)
    except OSError as error:
        raise UsageError(f"{path} could not be written: {error.strerror}") from None
