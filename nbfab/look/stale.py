"""What ended runs and servers have left in the profile's folder."""

from typing import Any

from nbfab.look.fact import fact, line, text
from nbfab.records import dataclass


def _orphans(value: Any) -> tuple[str, ...]:
    """The pids of lines that have one, and the time at which the process started."""
    pairs = (row.split() for row in text(value).splitlines())
    return tuple(pair[0] for pair in pairs if len(pair) == 2 and pair[0].isascii() and pair[0].isdigit())


def _paths(value: Any) -> tuple[str, ...]:
    return (line(value),)


@dataclass(frozen=True, kw_only=True)
class StaleFacts:
    """What ended runs and servers have left.

    `orphans` are kernels that have outlived their server, by their pids; `lock` is the lock of a run that has ended.
    `files` are those by which servers that have ended announced themselves, those that a run was writing when it was
    cut, the environment for a start that did not come, and, where a server runs, the note that keeps it down. `tmux` is
    the version of tmux, or why it does not run.
    """

    orphans: tuple[str, ...] = fact(_orphans, default=())
    files: tuple[str, ...] = fact(_paths, default=())
    lock: str = fact(line, default="")
    tmux: str = fact(line, default="")
