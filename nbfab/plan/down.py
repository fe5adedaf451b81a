"""Down: why there is no server, in words, and whether it comes back by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbfab.look.server import STARTS
from nbfab.units import stamp

if TYPE_CHECKING:
    from nbfab.look.facts import Facts


def why(facts: Facts) -> str:
    """Why no server runs, as far as that is known."""
    server = facts.server
    if was_idle(facts) and server.last_end:
        return f"it does not run: it was idle, so it ended at {stamp(server.last_end.since)}"
    if server.started:
        last = f", and its last words are: {server.last_words}" if server.last_words else ""
        return f"it does not run: {what_ended(facts)}{last}"
    return "it does not run: it was stopped" if server.log else "it does not run: it has not been started"


def what_ended(facts: Facts) -> str:
    """What ended a server that was not stopped, as far as that is known, and whether it is started again."""
    server, end = facts.server, facts.server.last_end
    restarted = f"the host was restarted{f' at {stamp(server.booted)}' if server.booted else ''}"
    if end is None:
        return f"{restarted}, while it ran" if server.boots else "it has ended"
    what = f"{end.words}, at {stamp(end.since)}"
    if server.between:
        return f"it has crashed ({what}), and is started again"
    if end.follows == "given-up":
        return f"it crashed 6 times in 5 minutes, so it is not started again ({what})"
    return f"it has ended ({what}){f', before {restarted}' if server.boots else ''}"


def was_idle(facts: Facts) -> bool:
    """Whether the server that was started last has ended because it was idle."""
    end = facts.server.last_end
    return end is not None and end.kind == "idle"


def starts(facts: Facts) -> bool:
    """Whether it was started so short a time ago that it need not answer yet."""
    server = facts.server
    since = facts.host.clock - server.started.since if server.started else STARTS
    return server.alive and not server.ready and 0 <= since < STARTS


def comes_back(facts: Facts) -> bool:
    """Whether it has crashed, and was started again so short a time ago."""
    ended = facts.server.ended
    return ended is not None and ended.follows == "again" and starts(facts)
