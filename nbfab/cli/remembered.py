"""What a run has seen of servers, for `list` to show."""

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from nbfab.fleet import known
from nbfab.fleet.known import Known, Reach, Seen
from nbfab.names import HostString
from nbfab.outcome import Outcome
from nbfab.ssh.options import SshOptions


def of_host(
    name: str, profile: str, typed: HostString | None, options: SshOptions | None, *, inventory: str = ""
) -> Known:
    """A server by its host, before anything is known of it; on this machine if nothing was typed."""
    reach = Reach.of(typed, options) if typed and options else Reach()
    return Known(name, profile, inventory, reach)


def remember(seen: Iterable[tuple[Known, Outcome]]) -> None:
    """Remembers how tasks have ended, each with the host and profile that it was for."""
    pairs = list(seen)
    if any(_tells(outcome) for _, outcome in pairs):
        known.change(lambda servers: _enter(servers, pairs))


def _tells(outcome: Outcome) -> bool:
    if outcome.task == "doctor":  # which changes nothing, here neither
        return False
    return outcome.verdict == "not reached" or _is_gone(outcome) or outcome.state.get("running") is not None


def _is_gone(outcome: Outcome) -> bool:
    return outcome.task == "remove" and not outcome.status


def _enter(servers: dict[tuple[Any, ...], Known], pairs: Iterable[tuple[Known, Outcome]]) -> None:
    for one, outcome in pairs:
        before = servers.get(one.key)
        if _is_gone(outcome):
            known.forget(servers, [one])
        elif _tells(outcome) and (before or _is_set_up(outcome)):
            servers[one.key] = _seen(before or one, one.reach, outcome)


def _is_set_up(outcome: Outcome) -> bool:
    """Whether there is a server, or what it takes."""
    ended = outcome.task == "stop" and outcome.verdict == "changed"
    return ended or bool(outcome.state.get("running") or outcome.state.get("fingerprint"))


def _seen(before: Known, reach: Reach, outcome: Outcome) -> Known:
    running = outcome.state.get("running")
    seen: Seen = "not reached" if running is None else "running" if running else "not running"
    if outcome.task == "status" and outcome.verdict == "not running":
        seen = "not running"  # it has not answered
    runs = seen == "running" or (before.runs and not (outcome.task == "stop" and seen == "not running"))
    url = outcome.url or before.url
    port = _port(url) or before.port or _chosen(outcome)
    return replace(before, reach=reach, url=url, port=port, seen=seen, time=int(time.time()), runs=runs)


def _port(url: str) -> int:
    with suppress(ValueError):
        return (urlsplit(url).port or 443) if url else 0
    return 0


def _chosen(outcome: Outcome) -> int:
    """The port that was chosen for the profile: a server that is opened through a link has no URL."""
    chosen: Mapping[str, Any] = outcome.state.get("settings") or {}
    return int(chosen.get("port", {}).get("value", 0))
