"""What listens on the port."""

from nbfab.look.fact import fact, line, number
from nbfab.records import dataclass


@dataclass(frozen=True, kw_only=True)
class PortFacts:
    """The process that listens on the port, as far as the user may see it; all empty if none does."""

    pid: int = fact(number, default=0)
    program: str = fact(line, default="")
    user: str = fact(line, default="")

    @property
    def holder(self) -> str:
        """The process, in words; empty if none listens."""
        if not self.user:
            return ""
        return f"process {self.pid} ({self.program}) of user {self.user}" if self.pid else f"a process of {self.user}"
