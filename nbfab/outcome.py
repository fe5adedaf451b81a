"""Outcome: how a task ended on one host, in the terms that reports and `--json` share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from nbfab import fix as fixes
from nbfab.changed import Changed
from nbfab.errors import ConnectError, HostKeyError, Interrupted, NbfabError, Refused, fault, stopper
from nbfab.fix import Fix, Task

Verdict = Literal["unchanged", "changed", "would change", "refused", "failed", "not reached", "interrupted"]


@dataclass(frozen=True)
class Outcome:
    """How a task ended on one host.

    `changes` were made (for `plan`: would be); `withheld` were not, because kernels are live; `pending` is what the
    running server takes up at its next restart, which is not asked for. `error` is the reason of
    a failure, `fix` what to do about it (`hint` is that as text), and `jump` the jump host that failed. `state` holds
    what `status` tells, and what matters after a change. `password` is a generated one, shown once.
    """

    host: str
    task: str
    verdict: Verdict
    changes: tuple[Changed, ...] = ()
    withheld: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    error: str = ""
    fix: Fix = ()
    jump: str = ""
    status: int = 0
    url: str = ""
    state: Mapping[str, Any] = field(default_factory=dict)
    password: str = field(default="", repr=False)

    @property
    def hint(self) -> str:
        """The fix as text, a line for each part."""
        return fixes.text(self.named().fix)

    def settled(self, command: Callable[[Task], str], *, local: bool = False) -> "Outcome":
        """This with fixes that can be typed: tasks as their `command`; on this machine, `local`, all is typed here."""

        def change(fix: Fix) -> Fix:
            fix = fixes.settled(fix, command)
            return fixes.named(fix, "") if local else fix

        return replace(self, fix=change(self.fix), notes=fixes.each_note(self.notes, change))

    def named(self) -> "Outcome":
        """This with fixes that name the host to type them on, for a reader who may not know which one is meant."""

        def change(fix: Fix) -> Fix:
            return fixes.named(fix, self.jump or self.host)

        return replace(self, fix=change(self.fix), notes=fixes.each_note(self.notes, change))

    def document(self) -> dict[str, Any]:
        """This as JSON; what is empty is left out."""
        values = vars(self.named()) | {"changes": [change.document() for change in self.changes]}
        values |= {"hint": self.hint, "fix": fixes.document(self.named().fix)}
        return {name: value for name, value in values.items() if value not in ("", (), [], {})}


def verdict(error: NbfabError) -> Verdict:
    """The verdict on a host where `error` was the end."""
    if isinstance(error, Refused):
        return "refused"
    if isinstance(error, Interrupted):
        return "interrupted"
    return "not reached" if isinstance(error, ConnectError | HostKeyError) else "failed"


def failure(task: str, host: str, error: Exception | KeyboardInterrupt) -> Outcome:
    """The outcome that `error`, or Control-C, makes. What is not an NbfabError is a bug, and is reported as one."""
    if isinstance(error, KeyboardInterrupt):
        error = Interrupted(f"stopped by {stopper(error)}; what was done stays, whole", "run it again", by=error)
    elif not isinstance(error, NbfabError):
        error = fault(error)
    return Outcome(host, task, verdict(error), error=str(error), fix=error.fix, jump=error.jump, status=error.status)
