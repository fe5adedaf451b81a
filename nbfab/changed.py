"""Changed: a change as people see it."""

from typing import Literal

from nbfab.records import dataclass

Kind = Literal[
    "write",
    "write module",
    "write kernel",
    "drop kernel",
    "make private",
    "make environment",
    "use environment",
    "build environment",
    "remove environment",
    "set password",
    "renew certificate",
    "issue certificate",
    "change clients",
    "start server",
    "stop server",
    "end other server",
    "end sessions",
    "interrupt kernel",
    "shut down kernel",
    "remove",
    "end session",
    "end process",
    "start relay",
    "end relay",
    "start member",
    "end member",
    "turn lingering off",
    "turn at-boot on",
    "turn at-boot off",
]


@dataclass(frozen=True)
class Changed:
    """A change as people see it: which step makes it, of what kind it is, what it does and why.

    `what` is the same on all hosts with the same change; `detail` is what differs between them. `diff` compares the
    texts, where there was an old one.
    """

    step: str
    kind: Kind
    what: str
    detail: str = ""
    reason: str = ""
    diff: str = ""

    @property
    def summary(self) -> str:
        """All of it in a line."""
        return " ".join(filter(None, [self.what, self.detail])) + (f": {self.reason}" if self.reason else "")

    def document(self) -> dict[str, str | None]:
        """This as JSON: always the same keys, null for what is empty."""
        parts = {"step": self.step, "kind": self.kind, "summary": self.summary, "reason": self.reason}
        return {name: text or None for name, text in (parts | {"diff": self.diff}).items()}
