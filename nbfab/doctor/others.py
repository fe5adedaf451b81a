"""The layer `others`: the user's Jupyter servers that nbfab did not start, above all those open to everyone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from nbfab.doctor.layer import Case, Layer, failed, unknown
from nbfab.fix import task
from nbfab.plan import others

if TYPE_CHECKING:
    from nbfab.finding import Finding


def _check(case: Case) -> Iterator[Finding]:
    servers = case.facts.others.servers
    if servers is None:
        yield unknown("they are found by /proc/net/tcp and a Python, which the host does not have")
    for other in servers or ():
        if other.open:
            yield failed(others.warning(other), "if it may end", task("stop", f"--port={other.port}"))


def _passes(case: Case) -> str:
    servers = case.facts.others.servers or ()
    if not servers:
        return "none"
    # One that does not answer could not be asked for a password.
    each = "it" if len(servers) == 1 else "each"
    asks = f"; {each} asks for a password or token" if all(other.open is False for other in servers) else ""
    lines = [f"port {other.port}: {others.described(other)}" for other in servers]
    return "\n".join([f"{len(servers)} that nbfab did not start{asks}", *lines])


LAYER = Layer("others", _check, _passes)
