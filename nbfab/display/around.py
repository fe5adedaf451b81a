"""What is around the server, in a few lines: memory, disks, GPUs, other profiles, other servers."""

from collections.abc import Iterator, Mapping
from typing import Any

from nbfab.display.lines import line
from nbfab.display.paint import Line
from nbfab.units import room

MOST = 8  # GPUs, profiles or servers that are listed


def lines(state: Mapping[str, Any]) -> Iterator[Line]:
    """What `status` knows of it."""
    memory = state.get("memory")
    if memory:
        whose = " (the limit of its group of processes)" if memory["limited"] else ""
        yield line("memory", f"{_room(memory)}{whose}")
    disks = state.get("disks") or ()
    same = len({(disk["total"], disk["free"]) for disk in disks}) == 1
    for disk in disks[:1] if same else disks:
        yield line("disk", _room(disk) if same else f"{_room(disk)} for {disk['folder']}")
    gpus = state.get("gpus") or ()
    for gpu in gpus[:MOST]:
        busy = "" if gpu["busy"] is None else f", {gpu['busy']} % busy"
        yield line("gpu", f"{gpu['number']}: {gpu['name']}{f', {_room(gpu)}' if gpu['total'] else ''}{busy}")
    if len(gpus) > MOST:
        yield line("gpu", f"and {len(gpus) - MOST} more")
    if profiles := state.get("profiles"):
        words = [f"{one['name']} (port {one['port']}, {_runs(one)})" for one in profiles[:MOST]]
        more = [f"and {len(profiles) - MOST} more"] if len(profiles) > MOST else []
        yield line("profiles", f"also {', '.join([*words, *more])}")
    others = state.get("others")
    if others is not None and not others:
        yield line("others", "no Jupyter server of yours that nbfab did not start")
    for other in others or ():
        yield line("other", f"port {other['port']}: {other['words']}{_asks(other)}", "bad" if other["open"] else "")


def _runs(profile: Mapping[str, Any]) -> str:
    return "running" if profile["running"] else "stopped"


def _asks(other: Mapping[str, Any]) -> str:
    count = other["kernels"]
    live = f", {count} kernel{'' if count == 1 else 's'}" if count else ""
    return f"{live}, OPEN: it asks for no password or token" if other["open"] else live


def _room(of: Mapping[str, Any]) -> str:
    return room(of["total"], of["free"])
