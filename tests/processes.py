"""Processes, as /proc tells of them."""

from pathlib import Path


def _stat(pid: int | str) -> tuple[str, str, int] | None:
    """The name, the state and the parent of a process; None if there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # proc(5): the name in parentheses may hold anything, so count from behind it.
    name, _, rest = text.partition("(")[2].rpartition(") ")
    state, parent, *_ = rest.split()
    return name, state, int(parent)


def lives(pid: int | str) -> bool:
    """Whether a process runs; a zombie, which has ended and waits for its parent, does not."""
    found = _stat(pid)
    return found is not None and found[1] not in "ZX"


def descendants(pid: int, name: str) -> list[int]:
    """The children of a process whose names begin with `name`, their children whose names do, and so on."""
    found = {int(path.name): _stat(path.name) for path in Path("/proc").glob("[0-9]*")}
    ours: list[int] = []
    parents = {pid}
    while parents:
        children = {child for child, stat in found.items() if stat and stat[2] in parents and stat[0].startswith(name)}
        ours += children
        parents = children
    return ours
