"""The layer `server`: whether it runs and answers, from the host and from here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from nbfab.doctor.layer import Case, Layer, failed
from nbfab.fix import task, there
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
    elif server.alive and not server.ready:
        yield failed(
            f"it runs, but does not answer on the host: {server.why_not_ready}",
            "if what runs in it may end",
            task("serve", "--restart"),
        )
    elif not server.alive:
        why = why_not_set_up(facts)
        yield failed(_ended(case) + (f"; {why}" if why else ""), task("serve" if why else "start"))
    elif case.near.unreached:
        yield failed(
            f"it answers on the host, but not from here: {case.near.unreached}", "to get there by SSH", task("open")
        )


def _ended(case: Case) -> str:
    server = case.facts.server
    last = next((line.strip() for line in reversed(server.log.splitlines()) if line.strip()), "")
    if server.started:
        return "it does not run: it has ended without being stopped" + (f"; its last words are: {last}" if last else "")
    return "it does not run: it was stopped" if server.log else "it does not run: it has not been started"


def _passes(case: Case) -> str:
    here = " and from here" if case.near.port == "open" else ""
    return f"it answers on the host{here}"


LAYER = Layer("server", _check, _passes)
