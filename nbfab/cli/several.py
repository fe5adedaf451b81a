"""A task on the hosts of `-H a,b`: one after the other, each with a report of its own."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from invoke import Exit

from nbfab.cli.bundle import bundled, check, tell
from nbfab.cli.call import INVENTORY, Call
from nbfab.cli.kernel import check_one
from nbfab.cli.one import entries, order
from nbfab.cli.report import Report
from nbfab.errors import UsageError
from nbfab.fix import task
from nbfab.names import HostString

if TYPE_CHECKING:
    from nbfab.outcome import Outcome
    from nbfab.run.job import Body


def check_several(call: Call) -> None:
    """UsageError for what stays with the one host that it shows or opens."""
    if call.task == "open":
        words = "open takes one host, and would open none of several"
        raise UsageError(words, "run it for each, or for all of an inventory", task("fleet.open"))
    if call.task == "attach":
        raise UsageError("attach takes one host: a terminal shows one session", "run it for each")
    check_one(call)
    if "follow" in call.flags:
        words = "one log is followed at a time"
        raise UsageError(words, "to follow those of an inventory", task("fleet.logs", "--follow"))


def on_several(call: Call, body: "Body", typed: Sequence[HostString]) -> None:
    """Runs `body` on those hosts, by the rules of a fleet; ends the program unless every host is as wanted."""
    from nbfab.inventory.hosts import InventoryHost

    report = Report(call.task, call.json, call.quiet)
    with report.errors():
        call.check_dry_run()
        check(call)
        hosts = [entry or InventoryHost.of(host) for host, entry in zip(typed, entries(typed), strict=True)]
        routes = call.routes(host for host in hosts if not host.unread)  # looked up while this imports
        from nbfab.cli.many import Many, exit_status
        from nbfab.display.output import show
        from nbfab.fleet.memory import forget

        many = Many(
            call,
            hosts,
            routes,
            lambda host: call.command(("-H", host.name)),
            inventory=INVENTORY,
            whole=call.command(("-H", ",".join(map(str, typed)))),
            order=order(),
            without=lambda host: "omit it from -H",
            types=True,
            again="run it again",
        )

        def ended(outcome: "Outcome") -> None:
            many.progress.end()
            if not call.json:
                report.one(outcome)

        run = None
        try:
            run = many.run(call.task, body, jobs=1, ended=ended)
        finally:
            if run is None or not run.left:  # or it would wait for hosts that the user does not wait for
                many.close()
        outcomes = many.all_outcomes(run)
        many.progress.end()
        bundle = bundled(call, outcomes)
        if call.json:
            report.document(outcomes, exit_status(outcomes, run), passwords=many.handout.path, bundle=bundle)
        else:
            for outcome in outcomes:
                if outcome.host not in run.outcomes:
                    report.one(outcome)
            if many.handout.path:
                show(f"\nURLs and passwords, for you alone: {many.handout.path}")
        tell(call, bundle)
        report.corrected(many.handout)
        forget(INVENTORY, outcomes)
    if status := exit_status(outcomes, run):
        raise Exit(code=status)
