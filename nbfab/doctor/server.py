"""The layer `server`: whether it runs and answers, from the host and from here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from nbfab.doctor import clients
from nbfab.doctor.layer import Case, Layer, failed
from nbfab.fix import Fix, task, there
from nbfab.plan import down
from nbfab.plan.clients import is_admitted
from nbfab.plan.server import why_not_set_up

if TYPE_CHECKING:
    from nbfab.finding import Finding


def _check(case: Case) -> Iterator[Finding]:
    facts, server = case.facts, case.facts.server
    if not case.has_profile:
        yield failed(f"there is no profile {case.wanted.settings.profile}", task("setup"))
    elif server.alive and not server.ours:
        pid = server.started.pid if server.started else ""
        yield failed(f"process {pid} looks like it, but that cannot be proven", there(f"ps -fp {pid}"))
    elif down.starts(facts):
        yield failed("it was started a moment ago, and does not answer yet", "look again in a moment", task("doctor"))
    elif server.alive and not server.ready:
        fix: Fix = ("if what runs in it may end", task("serve", "--restart"))
        if clients.admits_no_one(case):
            fix = (task("setup"),)  # which takes no restart
        yield failed(f"it runs, but does not answer on the host: {server.why_not_ready}", *fix)
    elif server.between:
        yield failed(down.what_ended(facts), "look again in a moment", task("doctor"))
    elif not server.alive:
        why = why_not_set_up(facts)
        yield failed(down.why(facts) + (f"; {why}" if why else ""), task("serve" if why else "start"))
    elif case.near.unreached and is_admitted(case.wanted, facts):  # else the certificate's layer says it
        yield failed(
            f"it answers on the host, but not from here: {case.near.unreached}", "to get there by SSH", task("open")
        )


def _passes(case: Case) -> str:
    here = " and from here" if case.near.port == "open" and not case.near.unreached else ""
    end = case.facts.server.ended
    again = f"; it was started again {_times(end.restarts)}, the last after {end.words}" if end and end.restarts else ""
    return f"it answers on the host{here}{again}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


LAYER = Layer("server", _check, _passes)
