"""Open the hosts of an inventory: a look at each, as every task of a fleet takes it, and then one near end for all."""

import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from nbfab.cli.again import place
from nbfab.cli.call import Call
from nbfab.cli.called import without
from nbfab.cli.fleet import jobs_of, many_of
from nbfab.cli.report import Report
from nbfab.errors import ConnectError, Denied, HostKeyError, Interrupted, UsageError
from nbfab.tunnel.found import FleetSpec, Found
from nbfab.tunnel.looker import MARK
from nbfab.tunnel.opened import CANNOT
from nbfab.tunnel.row import State
from nbfab.tunnel.run import AT_RISK

if TYPE_CHECKING:
    from nbfab.cli.many import Many
    from nbfab.outcome import Outcome
    from nbfab.run.job import Job


def open_fleet(call: Call) -> None:
    """Looks at the hosts and goes on as the near end; for a near end that looks again, tells that what is found."""
    from nbfab.display.fleet import table

    asked = os.environ.get(MARK) == str(os.getppid())
    report = Report(call.task, call.json, call.quiet)
    with report.errors():
        outcomes, found = _look(call, _Pipe().tell if asked else lambda found: None)
        if not found:
            raise UsageError("there are no hosts to open", "see the inventory, and --limit")
        if not (asked or call.json):
            report.many(outcomes, table)
    if asked:
        return
    from nbfab.cli.near import go_on
    from nbfab.display.document import document

    env = {name: value for name, value in os.environ.items() if name.startswith("NBFAB_") and name != "NBFAB_PASSWORD"}
    written = document(call.task, outcomes, 0) if call.json else ""
    go_on(FleetSpec(found, tuple(_again()), env, "no_browser" not in call.flags, written))


class _Pipe:
    """The pipe to the near end; what goes there holds secrets."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def tell(self, found: Found) -> None:
        """Writes a line. Raises BrokenPipeError."""
        with self._lock, os.fdopen(os.dup(1), "w", encoding="utf-8") as out:
            out.write(f"{found.dump()}\n")


def _look(call: Call, tell: Callable[[Found], None]) -> "tuple[Sequence[Outcome], tuple[Found, ...]]":
    """How the look has ended on each host, and what it has found there; `tell` gets each as it is found."""
    from nbfab.run.open_running import open_running

    persons: set[str] = set()  # hosts that someone has to log in to
    found: dict[str, Found] = {}

    def body(job: "Job") -> "Outcome":
        try:
            return open_running(job)
        except (HostKeyError, Denied):
            persons.add(job.host.label)
            raise

    def ended(outcome: "Outcome") -> None:
        found[outcome.host] = _found(outcome, many, outcome.host in persons)
        tell(found[outcome.host])

    count = jobs_of(call.given["jobs"])
    _, many = many_of(call)
    for refused in many.outcomes.values():
        ended(refused)
    run = None
    try:
        run = many.run(call.task, body, count, records=ended)
    finally:
        if run is None or not run.left:  # or it would wait for hosts that the user does not wait for
            many.close()
    if run.interrupted:
        raise Interrupted("nothing was opened", "run it again", by=run.interrupted)
    outcomes = many.all_outcomes(run)
    return outcomes, tuple(found[outcome.host] for outcome in outcomes)


def _found(outcome: "Outcome", many: "Many", person: bool) -> Found:
    """What was found on a host."""
    host, profile = outcome.host, many.profile(outcome.host)
    parts = outcome.named().fix
    words = "; ".join([outcome.error.partition("\n")[0], *(part for part in parts if isinstance(part, str))])
    fix = tuple(str(part) for part in parts if not isinstance(part, str))
    if not outcome.error:
        try:
            spec = many.opened(host)
        except ConnectError as error:
            return Found(host, profile, "down", str(error))
        assert spec
        spec = replace(spec, browser=False, state=place())
        return Found(host, profile, notes=() if spec.relayed else (f"{CANNOT}: {AT_RISK}",), spec=spec)
    states: dict[str, State] = {"not reached": "down", "not running": "server stopped", "refused": "not set up"}
    state = "failed" if host in many.outcomes else states.get(outcome.verdict, "failed")
    return Found(host, profile, "a person is needed" if person else state, words, fix)


def _again() -> Iterator[str]:
    """The command that looks again at hosts whose names follow it: this one, as it was called."""
    before = len(sys.orig_argv) - len(sys.argv) + 1
    yield sys.executable
    yield from sys.orig_argv[1:before]
    yield from without(sys.argv[1:], ("--limit=",))
    yield "--limit"
