"""Outcome: how a task ended on one host, in the terms that reports and `--json` share."""

from collections.abc import Callable, Mapping
from dataclasses import field, replace
from typing import Any, Literal, NamedTuple

from nbfab import fix as fixes
from nbfab.changed import Changed
from nbfab.errors import ConnectError, HostKeyError, Interrupted, NbfabError, Refused, fault, stopper
from nbfab.finding import Finding
from nbfab.fix import Fix, Task
from nbfab.records import dataclass

Verdict = Literal[
    "unchanged",
    "changed",
    "would change",
    "running",
    "not running",
    "healthy",
    "faulty",
    "refused",
    "failed",
    "not reached",
    "interrupted",
]
DUE = 3  # exit status: nothing has failed, but what was asked about calls for action
STATE = (
    "running",
    "folder",
    "ssh",
    "since",
    "restarts",
    "last_end",
    "at_boot",
    "attach",
    "environment",
    "kernels",
    "failed_logins",
    "tcp_kernels",
    "live_kernels",
    "terminals",
    "idle",
    "clients",
    "p12",
    "settings",
    "fingerprint",
    "days_left",
    "authority",
    "pin",
    "names",
    "elsewhere",
    "log",
    "memory",
    "disks",
    "gpus",
    "profiles",
    "others",
    "environments",
    "cluster",
)


class Logged(NamedTuple):
    """A line of a server's log, and when it was printed, in UTC; empty if that is not known."""

    time: str
    text: str


@dataclass(frozen=True)
class Outcome:
    """How a task ended on one host.

    The verdict of `status` is `running` or `not running`, unless that is not known. `changes` were made (for `plan`:
    would be); `withheld` were not, because kernels are live; `pending` is what the running server takes up at its next
    restart, which is not asked for. `error` is the reason of a `status` other than 0, `fix` what to do about it (`hint`
    is that as text), and `jump` the jump host that failed. `state` holds what `status` tells, and what matters after a
    change, by the keys in STATE. `password` is a generated one, shown once. `standing` are notes on what stays as it
    is, such as that the server runs as root. `findings` are those of `doctor`, whose verdict is `healthy` or `faulty`,
    and `bundle` what a report of a bug needs to know.
    """

    host: str
    task: str
    verdict: Verdict
    changes: tuple[Changed, ...] = ()
    withheld: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    standing: tuple[str, ...] = ()
    error: str = ""
    fix: Fix = ()
    jump: str = ""
    status: int = 0
    url: str = ""
    state: Mapping[str, Any] = field(default_factory=dict)
    password: str = field(default="", repr=False)
    findings: tuple[Finding, ...] = ()
    bundle: str = field(default="", repr=False)

    @property
    def failed(self) -> bool:
        """Whether this is a failure."""
        return self.status not in (0, DUE)

    @property
    def is_news(self) -> bool:
        """Whether something has changed, would change, is due or has failed; or there is what was asked for, a log."""
        return (
            bool(self.status) or bool(self.state.get("log")) or self.verdict not in ("unchanged", "running", "healthy")
        )

    @property
    def told(self) -> tuple[str, ...]:
        """The notes that people are shown: those that stand only with a change, and by `plan`."""
        return (*self.notes, *(self.standing if self.changes or self.task == "plan" else ()))

    @property
    def hint(self) -> str:
        """The fix as text, a line for each part."""
        return fixes.text(self.named().fix)

    def settled(self, command: Callable[[Task], str], *, local: bool = False) -> "Outcome":
        """This with fixes that can be typed: tasks as their `command`; on this machine, `local`, all is typed here."""

        def change(fix: Fix) -> Fix:
            fix = fixes.settled(fix, command)
            return fixes.named(fix, "") if local else fix

        return self._each(change)

    def named(self) -> "Outcome":
        """This with fixes that name the host to type them on, for a reader who may not know which one is meant."""
        return self._each(lambda fix: fixes.named(fix, self.jump or self.host))

    def _each(self, change: Callable[[Fix], Fix]) -> "Outcome":
        """This with each fix changed, also those of notes."""
        notes, standing = fixes.each_note(self.notes, change), fixes.each_note(self.standing, change)
        findings = tuple(replace(finding, fix=change(finding.fix)) for finding in self.findings)
        return replace(self, fix=change(self.fix), notes=notes, standing=standing, findings=findings)

    def document(self) -> dict[str, Any]:
        """This as JSON, with all notes: always the same keys, null for an empty text and for a state not known."""
        named = self.named()
        values: dict[str, Any] = {}
        for name, value in vars(named).items():
            if name == "fix":
                values |= {"hint": self.hint, "fix": fixes.document(value)}
            elif name not in ("standing", "bundle"):
                values[name] = value
        values |= {
            "changes": [change.document() for change in self.changes],
            "notes": (*named.notes, *named.standing),
            "findings": [finding.document() for finding in named.findings],
            "state": dict.fromkeys(STATE) | dict(self.state),
        }
        return {name: None if value == "" else value for name, value in values.items()}


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
