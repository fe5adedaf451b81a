"""Change: one thing to do on the host."""

from collections.abc import Mapping
from dataclasses import field

from nbfab.changed import Changed
from nbfab.records import dataclass


@dataclass(frozen=True, kw_only=True)
class Change(Changed):
    """One thing to do on the host, by the sh function for its kind.

    `words` and `args` are the function's arguments, the latter by name; they may be secret, so they are not shown.
    `needs_restart` marks what a running server picks up only after a restart. `note` is what people should know of it
    beside the change itself.
    """

    words: tuple[str, ...] = field(default=(), repr=False)
    args: Mapping[str, str] = field(default_factory=dict, repr=False)
    needs_restart: bool = False
    note: str = ""

    def public(self) -> Changed:
        """This without its arguments, for reports."""
        return Changed(self.step, self.kind, self.what, self.detail, self.reason, self.diff)
