"""The tasks `client.*`: a client that may connect, its file here, and its password, shown once."""

import os
import re
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from nbfab.cli.call import Call
from nbfab.cli.report import Report
from nbfab.errors import UsageError
from nbfab.settings import BY_KEY

if TYPE_CHECKING:
    from nbfab.run.job import Body

Runs = Callable[[Call, "Body"], None]
"""Has a body run on the hosts that are meant."""

FORM = "letters, digits, and . _ - between them, at most 64 characters"


def add(call: Call, runs: Runs, *, many: bool) -> None:
    """Makes a client's file, and has the hosts admit it; one that none of them does is removed again."""
    from nbfab.display.output import show
    from nbfab.plan.bundle import is_new_name
    from nbfab.run import clients, identity, p12

    report = Report(call.task, call.json, call.quiet)
    with report.errors():
        call.check_dry_run()
        name = str(call.given["client"])
        if not is_new_name(name):
            raise UsageError(f"{name[:80]!r} is not a name for a client", FORM)
        days = call.given["days"]
        try:
            days = BY_KEY["days"].default if days is None else BY_KEY["days"].parse(days)
        except ValueError as error:
            raise UsageError(f"days must be {error}, not {days!r}") from None
        call = replace(call, given={**call.given, "days": None})  # of the client, not of the host
        path = Path(os.path.abspath(call.given["output"] or _file(call, name, many=many)))
        made = p12.make(name, path, identity.name(), days, time.time(), legacy="legacy" in call.flags)
    try:
        runs(call, partial(clients.add, made=made))
    finally:
        with report.errors():
            if not made.hosts:
                made.remove()
            elif not call.json:
                show(f"\n{made.path}: import it into the browser of {name}; that asks for a password, shown this once:")
                show(f"  {made.password}")


def remove(call: Call, runs: Runs, *, many: bool) -> None:
    """Has the hosts remove a client."""
    from nbfab.plan.bundle import is_name
    from nbfab.run import clients

    with Report(call.task, call.json, call.quiet).errors():
        name = str(call.given["client"])
        if not is_name(name):
            raise UsageError(f"{name[:80]!r} is not a name for a client", FORM)
    runs(call, partial(clients.remove, name=name, many=many))


def listing(call: Call, runs: Runs, *, many: bool) -> None:
    """Has the hosts say who their clients are."""
    from nbfab.run import clients

    runs(call, clients.listing)


def _file(call: Call, name: str, *, many: bool) -> str:
    """What the file is called unless that is said: as the client, and the one host that it is for."""
    if many:
        return f"{name}.p12"
    host = call.hosts[0].host if call.hosts else socket.gethostname()
    return f"{name}-{re.sub(r'[^A-Za-z0-9._-]', '-', host)}.p12"
