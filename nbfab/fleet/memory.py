"""What --failed knows: the hosts on which a task was not done last time, for each inventory."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from nbfab.errors import UsageError
from nbfab.fleet import state
from nbfab.outcome import Outcome


def failed(inventory: Path, task: str) -> set[str]:
    """The hosts on which `task` failed or was not done last time. Raises UsageError if it was never run."""
    known = state.read(state.state_file(inventory))
    if task not in known:
        raise UsageError(f"fleet.{task} has not been run with {inventory} yet", "leave --failed out")
    return set(_names(known, task))


def forget(inventory: Path, outcomes: Sequence[Outcome]) -> None:
    """Forgets what was left to do on hosts from which all was removed: `--failed` must not set them up again."""
    gone = {outcome.host for outcome in outcomes if outcome.task == "remove" and not outcome.status}
    file = state.state_file(inventory)
    if not gone or not file.exists():
        return
    with suppress(OSError), state.changed(file) as known:
        for task in known:
            known[task] = [name for name in _names(known, task) if name not in gone]


class Memory:
    """Keeps the record of a run up to date, so that it is right however the run ends, also by SIGKILL."""

    def __init__(self, inventory: Path, task: str) -> None:
        self._file = state.state_file(inventory)
        self._task = task
        self._error = ""

    def begins(self, names: Sequence[str], *, whole: bool) -> None:
        """Records those hosts as not done; unless that is the `whole` inventory, the others stay as they were."""
        self._record(names, (), whole)

    def ends(self, *outcomes: Outcome) -> None:
        """Records how hosts have ended."""
        done = [outcome.host for outcome in outcomes if not outcome.failed]
        self._record([outcome.host for outcome in outcomes if outcome.failed], done)

    def check(self) -> None:
        """Raises UsageError if it could not be recorded."""
        if self._error:
            raise UsageError(
                f"{self._file} could not be written ({self._error}), so --failed will not know of this run"
            )

    def _record(self, left: Sequence[str], done: Sequence[str], whole: bool = False) -> None:
        try:
            with state.changed(self._file) as known:
                before = [] if whole else _names(known, self._task)
                known[self._task] = [name for name in dict.fromkeys([*before, *left]) if name not in set(done)]
        except OSError as error:
            self._error = error.strerror or str(error)


def _names(known: dict[str, Any], task: str) -> list[str]:
    names = known.get(task)
    return list(map(str, names)) if isinstance(names, list) else []
