"""List: the servers that this machine remembers; with --check, how they are now."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from invoke import Exit

from nbfab.cli.again import place, whose
from nbfab.cli.call import Call
from nbfab.cli.called import called
from nbfab.cli.options import EVERYWHERE, defaults
from nbfab.cli.reached import command, with_hosts
from nbfab.cli.report import Report
from nbfab.errors import Interrupted, UsageError
from nbfab.fix import Command
from nbfab.fleet import known
from nbfab.fleet.known import Known
from nbfab.ssh.options import SshOptions
from nbfab.tunnel import claim

if TYPE_CHECKING:
    from nbfab.display.known import Row
    from nbfab.outcome import Outcome


def listing(call: Call) -> None:
    """Shows the servers, of all hosts or of those that -H names; with --forget, forgets those.

    With --check it ends the program unless each of them is as it should be: it runs, or `stop` has ended it.
    """
    from nbfab.cli.fleet import jobs_of
    from nbfab.display.known import as_json, nothing, table
    from nbfab.display.output import show

    call = replace(call, given={**defaults(EVERYWHERE), **call.given})
    report = Report(call.task, call.json, call.quiet)
    with report.errors():
        jobs, servers = jobs_of(call.given["jobs"]), _chosen(call)
        outcomes: Mapping[Known, Outcome] = {}
        if "check" in call.flags and servers:
            outcomes = _checked(call, servers, jobs)
            servers = [*outcomes]
        rows = _rows(servers, outcomes)
        status = int(any(row.differs for row in rows))
        if "forget" in call.flags:
            known.change(lambda there: known.forget(there, servers))
        if call.json:
            report.document([], status, lists={"servers": list(map(as_json, rows))})
        elif "forget" in call.flags:
            show("\n".join(f"forgotten: {row.server.host}, profile {row.server.profile}" for row in rows))
        elif shown := [row for row in rows if row.differs or not call.quiet]:
            show(table(shown))
        elif not (rows or call.quiet):
            fix = (Command(command(Known("", ""), "setup")), Command(with_hosts("-H", "HOST", "status")))
            show(nothing("no servers yet: the list has those that a task here has seen, such as", fix))
    if status:
        raise Exit(code=status)


def _chosen(call: Call) -> list[Known]:
    """Those that are asked for. Raises UsageError."""
    names = {str(host): None for host in getattr(call.c, "nbfab_hosts", ())}
    if "forget" in call.flags and not names:
        raise UsageError("--forget takes the names of hosts", "name them by -H, as the list has them")
    if {"check", "forget"} <= call.flags:
        raise UsageError("--forget contacts no host, and --check does", "leave one of them out")
    found = [server for server in known.every() if not names or server.host in names]
    here = {server.host for server in found}
    if missing := [name for name in names if name not in here]:
        words = f"no server on {', '.join(missing)} is remembered"
        raise UsageError(words, "to see which are", Command(shlex.join([*called(), "list"])))
    return found


def _checked(call: Call, servers: Sequence[Known], jobs: int) -> "Mapping[Known, Outcome]":
    """How they are now, and how the looks have ended. Raises Interrupted."""
    from nbfab.cli.checked import check
    from nbfab.cli.remembered import remember

    outcomes, interrupted = check(call, servers, jobs)
    remember(outcomes.items())
    if interrupted:
        raise Interrupted("not all servers were looked at", "run it again", by=interrupted)
    now = {server.key: server for server in known.every()}
    return {now.get(server.key, server): outcome for server, outcome in outcomes.items()}


def _rows(servers: Sequence[Known], outcomes: "Mapping[Known, Outcome]") -> "list[Row]":
    from nbfab.display.known import Row

    urls = {running.whose: running.url for running in claim.every(place())}
    rows = []
    for server in servers:
        reach = server.reach
        typed, options = (None, None) if server.is_here else (reach.host, reach.given(SshOptions()))
        opened = urls.get(whose(server.host, server.profile, typed, options), "")
        rows.append(Row(server, opened, command(server, "status"), outcomes.get(server)))
    return rows
