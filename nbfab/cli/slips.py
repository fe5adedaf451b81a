"""The slips of a fleet: a page to print, from the handout."""

from pathlib import Path

from nbfab.cli.call import Call
from nbfab.cli.fleet import chosen
from nbfab.cli.report import Report
from nbfab.errors import UsageError
from nbfab.fix import Command


def slips_of_fleet(call: Call) -> None:
    """Writes the slips; names the hosts whose slip is without a password."""
    from nbfab.display.output import complain, show
    from nbfab.display.slips import page
    from nbfab.fleet import git
    from nbfab.fleet.handout import beside, gather
    from nbfab.fleet.slips import slips
    from nbfab.fleet.state import state_file
    from nbfab.outcome import Outcome
    from nbfab.whole import write_whole

    report = Report(call.task, call.json)
    with report.errors():
        inventory, hosts = chosen(call)
        handout = Path(call.given["handout"] or beside(inventory.path)).absolute()
        path = Path(call.given["output"] or beside(inventory.path, "slips.html")).absolute()
        if path == handout:
            raise UsageError(f"{path} is the handout, and would be overwritten", "name another by --output")
        for file in (handout, path):
            git.check(file)
        try:
            gather(state_file(inventory.path, ".passwords"), handout, [host.name for host in inventory.hosts])
            option = ("--inventory", call.given["inventory"]) if call.given["inventory"] else ()
            fix = Command(call.command((), option, prefix="fleet.")("setup"))
            made = slips([(host, call.settings(host)) for host in hosts], handout, fix, complain)
            write_whole(path, page(made))
        except OSError as error:
            raise UsageError(f"{path} could not be written: {error.strerror}") from None
        if call.json:
            outcomes = [
                Outcome(slip.host, call.task, "unchanged", notes=tuple(filter(None, [slip.why_not])), url=slip.url)
                for slip in made
            ]
            report.document(outcomes, 0, slips=str(path))
            return
        whole, complete = len(made), sum(bool(slip.password) for slip in made)
        show(f"{path}: {whole} slip{'' if whole == 1 else 's'}, {complete} with a password")
        for slip in made:
            if slip.why_not:
                show(f"{slip.host}: no password on its slip: {slip.why_not}")
