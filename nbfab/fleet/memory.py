"""What --failed knows: the hosts on which a task failed last time, for each inventory."""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

from nbfab.errors import UsageError
from nbfab.outcome import Outcome
from nbfab.settings import state_home


def _file(inventory: Path) -> Path:
    name = hashlib.sha256(str(inventory.resolve()).encode()).hexdigest()[:16]
    return Path(state_home()) / "nbfab" / f"{name}.json"


def _read(inventory: Path) -> dict[str, list[str]]:
    try:
        known = json.loads(_file(inventory).read_text(encoding="utf-8"))
        return {str(task): [str(name) for name in names] for task, names in known.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def failed(inventory: Path, task: str) -> set[str]:
    """The hosts that `task` failed on or did not reach last time. Raises UsageError if it was never run."""
    known = _read(inventory)
    if task not in known:
        raise UsageError(f"fleet.{task} has not been run with {inventory} yet", "omit --failed")
    return set(known[task])


def remember(inventory: Path, task: str, outcomes: Sequence[Outcome], *, whole: bool) -> None:
    """Notes which hosts failed; unless the run was over the `whole` inventory, the others stay as they were."""
    asked = {outcome.host for outcome in outcomes}
    before = [] if whole else [name for name in _read(inventory).get(task, []) if name not in asked]
    known = _read(inventory) | {task: before + [outcome.host for outcome in outcomes if outcome.status]}
    file = _file(inventory)
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = file.with_suffix(f".{os.getpid()}")
        new.write_text(json.dumps(known), encoding="utf-8")
        new.replace(file)
    except OSError as error:
        raise UsageError(
            f"{file} could not be written ({error.strerror}), so --failed will not know of this run"
        ) from None
