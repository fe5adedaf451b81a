"""Processes, as /proc tells of them."""

import os
from collections.abc import Iterable
from pathlib import Path


def _stat(pid: int | str) -> tuple[str, list[str]] | None:
    """The name of a process and the fields after it, of which the first is the state; None if there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # proc(5): the name in parentheses may hold anything, so count from behind it.
    name, _, rest = text.partition("(")[2].rpartition(") ")
    return name, rest.split()


def start_of(pid: int | str) -> str:
    """When a process started, as a profile's `started` tells it; empty if it does not run.

    A zombie, which has ended and waits for its parent to ask how, does not.
    """
    found = _stat(pid)
    return found[1][19] if found and found[1][0] not in "ZX" else ""


def lives(pid: int | str) -> bool:
    """Whether a process runs."""
    return start_of(pid) != ""


def descendants(pid: int, name: str) -> list[int]:
    """The children of a process whose names begin with `name`, their children whose names do, and so on."""
    found = {int(path.name): _stat(path.name) for path in Path("/proc").glob("[0-9]*")}
    ours: list[int] = []
    parents = {str(pid)}
    while parents:
        children = [
            child for child, stat in found.items() if stat and stat[1][1] in parents and stat[0].startswith(name)
        ]
        ours += children
        parents = {str(child) for child in children}
    return ours


def children(pid: int) -> list[int]:
    """The children of a process."""
    found = {int(path.name): _stat(path.name) for path in Path("/proc").glob("[0-9]*")}
    return [child for child, stat in found.items() if stat and stat[1][1] == str(pid)]


def command_of(pid: int | str) -> bytes:
    """The words of its command line, each with a NUL behind it; empty if it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def with_environment(name: str, value: str) -> list[int]:
    """The processes that were started with that variable, also those that have left their parent."""
    entry = f"{name}={value}".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if entry in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
        except OSError:  # ended, or another user's
            continue
    return found


def sockets_of(pids: Iterable[int]) -> tuple[set[int], set[str]]:
    """The TCP ports that processes listen on, and their unix sockets: paths, with a NUL in front if abstract."""
    inodes = set()
    for link in (link for pid in pids for link in Path(f"/proc/{pid}/fd").glob("*")):
        try:
            kind, _, inode = os.readlink(link).partition(":")
        except OSError:  # closed
            continue
        if kind == "socket":
            inodes.add(inode.strip("[]"))
    tcp = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    ports = {int(words[1].rpartition(":")[2], 16) for words in tcp if words[3] == "0A" and words[9] in inodes}
    unix = [line.split(maxsplit=7) for line in Path("/proc/net/unix").read_text().splitlines()[1:]]
    paths = {words[7] for words in unix if len(words) == 8 and words[6] in inodes}
    return ports, {f"\0{path[1:]}" if path.startswith("@") else path for path in paths}
