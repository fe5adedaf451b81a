"""The layer `port`: who listens on it, and whether something is in between."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from nbfab.doctor.layer import Case, Layer, failed
from nbfab.fix import Fix, task, there
from nbfab.names import EVERY_ADDRESS
from nbfab.plan import down
from nbfab.plan.server import another_port

if TYPE_CHECKING:
    from nbfab.finding import Finding


def _check(case: Case) -> Iterator[Finding]:
    facts, port = case.facts, _port(case)
    server, started = facts.server, facts.server.started
    own = bool(server.alive and started and str(facts.port.pid) == started.pid)
    if facts.port.holder and not own and not server.ready:
        fix = another_port(port, lambda *options: task("setup", *options))
        yield failed(f"port {port} is taken by {facts.port.holder}", *fix)
        return
    silent = facts.listening.known and not facts.listening.addresses
    if server.alive and silent and not down.starts(facts):
        yield failed(f"the server runs, and nothing listens on port {port}", task("restart"))
        return
    if case.wanted.settings.ip not in EVERY_ADDRESS or not case.near.port:
        return
    if facts.listening.only_here:
        words = (
            f"something listens on port {port}, but only for the host itself ({', '.join(facts.listening.addresses)})"
        )
        yield failed(words, "to have it serve all addresses", task("setup", "--ip=*"))
    elif case.near.port == "silent":
        yield failed(
            f"{case.near.name} does not answer at port {port} from here at all, {_though(case)}: a firewall drops what "
            "is sent there",
            *_through(),
        )
    elif case.near.port == "unreachable" or (case.near.port == "refused" and not silent):
        how = "is refused" if case.near.port == "refused" else "cannot be reached"
        yield failed(
            f"{case.near.name} port {port} {how} from here, {_though(case)}: a firewall is in between", *_through()
        )


def _though(case: Case) -> str:
    return "though something listens there" if case.facts.listening.addresses else "and SSH gets through"


def _through() -> Fix:
    return (
        "to get through by SSH",
        task("open"),
        "or have its administrator let the port through; on the host, one of these shows the firewall",
        there("sudo nft list ruleset"),
        there("sudo iptables -S"),
    )


def _port(case: Case) -> int:
    server = case.facts.server
    return server.answer.port if server.answer and server.ready else case.wanted.settings.port


def _passes(case: Case) -> str:
    state = "is the server's" if case.facts.server.alive else "is free"
    here = ", and is open from here" if case.near.port == "open" else ""
    return f"{_port(case)} {state}{here}"


LAYER = Layer("port", _check, _passes)
