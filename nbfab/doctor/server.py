"""The layer `server`: whether it runs and answers, from the host and from here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from nbfab.doctor import clients
from nbfab.doctor.layer import Case, Layer, failed
from nbfab.fix import Fix, task, there
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
    elif case.starts:
        yield failed("it was started a moment ago, and does not answer yet", "look again in a moment", task("doctor"))
    elif server.alive and not server.ready:
        fix: Fix = ("if what runs in it may end", task("serve", "--restart"))
        if clients.admits_no_one(case):
            fix = (task("setup"),)  # which takes no restart
        yield failed(f"it runs, but does not answer on the host: {server.why_not_ready}", *fix)
    elif server.between:
        words = f"it has crashed ({_what(case)}), and is started again"
        yield failed(words, "look again in a moment", task("doctor"))
    elif not server.alive:
        why = why_not_set_up(facts)
        yield failed(_ended(case) + (f"; {why}" if why else ""), task("serve" if why else "start"))
    elif case.near.unreached and is_admitted(case.wanted, facts):  # else the certificate's layer says it
        yield failed(
            f"it answers on the host, but not from here: {case.near.unreached}", "to get there by SSH", task("open")
        )


def _ended(case: Case) -> str:
    server, last = case.facts.server, case.facts.server.last_words
    if server.started:
        return f"it does not run: {_what(case)}" + (f"; its last words are: {last}" if last else "")
    return "it does not run: it was stopped" if server.log else "it does not run: it has not been started"


def _what(case: Case) -> str:
    """What ended it, as far as that is known."""
    server, end = case.facts.server, case.facts.server.last_end
    if end is None:
        return "the host was restarted" if server.boots else "it has ended without being stopped"
    if server.between:
        return end.words
    if end.follows == "given-up":
        return f"it crashed 6 times in 5 minutes, so it is not started again ({end.words})"
    return f"it has ended ({end.words}){', before the host was restarted' if server.boots else ''}"


def _passes(case: Case) -> str:
    here = " and from here" if case.near.port == "open" and not case.near.unreached else ""
    end = case.facts.server.ended
    again = f"; it was started again {_times(end.restarts)}, the last after {end.words}" if end and end.restarts else ""
    return f"it answers on the host{here}{again}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


LAYER = Layer("server", _check, _passes)
