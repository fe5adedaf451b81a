"""What is live in a server, and how long an idle one has left."""

from collections.abc import Iterator, Mapping
from typing import Any

from nbfab.display.lines import line
from nbfab.display.paint import Line
from nbfab.names import shortest
from nbfab.settings import duration
from nbfab.units import size, span


def count(state: Mapping[str, Any]) -> str:
    """How many kernels and terminals there are, in words."""
    terminals, kernels = len(state.get("terminals") or ()), len(state.get("live_kernels") or ())
    parts = [f"{kernels or 'no'} kernel{'' if kernels == 1 else 's'}"]
    parts += [f"{terminals} terminal{'' if terminals == 1 else 's'}"] if terminals else []
    return ", ".join(parts)


def lines(state: Mapping[str, Any]) -> Iterator[Line]:
    """A line for each kernel, by the part of its id that is enough, and for each terminal; most fit into 80 columns."""
    kernels = state.get("live_kernels") or ()
    length = shortest([kernel["id"] for kernel in kernels])
    for kernel in kernels:
        yield line(kernel["id"][:length], _words(kernel))
    for name in state.get("terminals") or ():
        yield line("terminal", name)


def idle(state: Mapping[str, Any]) -> Iterator[Line]:
    """When the server ends by itself, and idle kernels do."""
    limits = state.get("idle") or {}
    if limits.get("after"):
        left, after = limits["left"], duration(limits["after"])
        ends = f"{after} after its last kernel and terminal" if left is None else f"in {span(left)} unless it is used"
        yield line("idle", f"the server ends {ends}")
    if limits.get("kernels_after"):
        yield line(
            "" if limits.get("after") else "idle", f"kernels end once idle for {duration(limits['kernels_after'])}"
        )


def _words(kernel: Mapping[str, Any]) -> str:
    since = f" since {kernel['active']}" if kernel["active"] and kernel["state"] == "idle" else ""
    parts = [f"{kernel['notebook'] or 'no notebook'}: {kernel['state']}{since}"]
    if kernel["active"] and not since:
        parts.append(f"last active {kernel['active']}")
    if kernel["memory"] is not None:
        parts += [size(kernel["memory"]), f"{kernel['cpu']} % CPU"]
    return ", ".join(parts)
