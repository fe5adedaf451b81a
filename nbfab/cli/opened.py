"""What `open` holds open here: the list, and its end. No host is contacted for these."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from invoke import Exit

from nbfab.cli.again import place, whose
from nbfab.cli.call import Call
from nbfab.cli.one import entries
from nbfab.cli.options import EVERYWHERE, defaults
from nbfab.cli.report import Report
from nbfab.errors import HostError
from nbfab.fix import Command
from nbfab.host import Here
from nbfab.names import HostString
from nbfab.outcome import Outcome, failure
from nbfab.tunnel import claim, control
from nbfab.tunnel.claim import Running
from nbfab.units import stamp

if TYPE_CHECKING:
    from nbfab.inventory.hosts import InventoryHost

ANSWER = 2.0  # seconds for one that runs to say how it is
ENDS = 10.0  # and to end


def show_list(call: Call) -> None:
    """What is open here: host, profile, URL, and how its link is."""
    from nbfab.display.output import show

    report = Report(call.task, call.json)
    with report.errors():
        found = [_described(running) for running in claim.every(place())]
        if call.json:
            report.document([], 0, lists={"open": found})
        else:
            show("\n".join(_lines(found)) or "nothing is open")


def _described(running: Running) -> dict[str, Any]:
    try:
        said = control.ask(running.control, {"do": "status"}, ANSWER)
    except control.Unanswered:
        said = {}
    link, changed = str(said.get("link", "unknown")), said.get("changed", running.since)
    return {
        "host": running.host,
        "profile": running.profile,
        "url": running.url,
        "link": link if link in control.LINKS else "unknown",
        "changed": stamp(changed if isinstance(changed, int | float) else running.since),
        "since": stamp(running.since),
        "pid": running.pid,
    }


def _lines(found: list[dict[str, Any]]) -> Iterator[str]:
    rows = [
        (one["host"], one["profile"], one["url"], f"{one['link']} since {one['changed']}", f"process {one['pid']}")
        for one in found
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip()


def close(call: Call) -> None:
    """Ends what is open of a host here, or of this machine; ends the program unless that was possible."""
    call = replace(call, given={**defaults(EVERYWHERE), **call.given})  # it takes one option of a server
    report = Report(call.task, call.json, call.quiet)
    with report.errors():
        hosts: list[HostString | None] = [*call.hosts] or [None]
        known = entries([host for host in hosts if host]) or [None]
        outcomes = [_close(call, host, entry) for host, entry in zip(hosts, known, strict=True)]
        status = max(outcome.status for outcome in outcomes)
        if call.json:
            report.document(outcomes, status)
        else:
            for outcome in outcomes:
                report.one(outcome)
    if status:
        raise Exit(code=status)


def _close(call: Call, typed: HostString | None, entry: "InventoryHost | None") -> Outcome:
    label = str(typed) if typed else Here.label
    profile = call.settings(entry).profile
    options = call.ssh_options(entry) if typed else None
    mine = whose(label, profile, entry.typed if entry else typed, options)
    claim.every(place())
    running = claim.find(place(), mine)
    if running is None:
        return Outcome(label, call.task, "unchanged", notes=("it is not open",))
    try:
        _end(running)
    except HostError as error:
        return failure(call.task, label, error)
    return Outcome(label, call.task, "changed", notes=(f"{running.url} is closed; the server goes on",))


def _end(running: Running) -> None:
    """Ends a near end, by a signal if it does not answer. Raises HostError."""
    with contextlib.suppress(control.Unanswered):
        control.ask(running.control, {"do": "close"}, ANSWER)
        if _has_ended(running):
            return
    for number in (signal.SIGTERM, signal.SIGKILL):
        if not running.lives:
            break
        with contextlib.suppress(OSError):
            os.kill(running.pid, number)
        if _has_ended(running):
            claim.every(place())  # what it has left is removed
            return
    if not _has_ended(running):
        raise HostError(f"process {running.pid} does not end", Command(f"kill -KILL {running.pid}"))


def _has_ended(running: Running) -> bool:
    end = time.monotonic() + ENDS
    while claim.is_held(place(), running.whose):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
