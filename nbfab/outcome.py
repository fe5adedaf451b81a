"""Outcome: how a task ended on one host, in the words that the report and `--json` share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from nbfab.errors import ConnectError, HostKeyError, Interrupted, NbfabError, Refused

Verdict = Literal["unchanged", "changed", "would change", "refused", "failed", "not reached", "interrupted"]


@dataclass(frozen=True)
class Outcome:
    """How a task ended on one host.

    `changes` are what was done (for `plan`: what would be), a step and a summary each, with a diff where there is one;
    `withheld` what was not done because of `live`. `error` is the reason and `hint` its mend. `state` holds what
    `status` tells, and what is to be known after a change. `password` is a generated one, told once.
    """

    host: str
    task: str
    verdict: Verdict
    changes: tuple[Mapping[str, str], ...] = ()
    withheld: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    error: str = ""
    hint: str = ""
    status: int = 0
    url: str = ""
    state: Mapping[str, Any] = field(default_factory=dict)
    password: str = field(default="", repr=False)

    def document(self) -> dict[str, Any]:
        """This as JSON can hold it; what is empty is left out."""
        return {name: value for name, value in vars(self).items() if value not in ("", (), {})}


def verdict(error: NbfabError) -> Verdict:
    """The verdict on a host where `error` was the end."""
    if isinstance(error, Refused):
        return "refused"
    if isinstance(error, Interrupted):
        return "interrupted"
    return "not reached" if isinstance(error, ConnectError | HostKeyError) else "failed"


def failure(task: str, host: str, error: NbfabError | KeyboardInterrupt) -> Outcome:
    """The outcome that `error`, or Control-C, makes."""
    if isinstance(error, KeyboardInterrupt):
        error = Interrupted("stopped by Control-C; what was done stays, whole", "run it again")
    return Outcome(host, task, verdict(error), error=str(error), hint=error.hint, status=error.status)
