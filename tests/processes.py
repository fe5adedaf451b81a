"""Processes, as /proc tells of them."""

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
