"""Finding: what a check of one layer, from the host's name to its limits, has come to."""

from typing import Any, Literal

from nbfab import fix as fixes
from nbfab.fix import Fix
from nbfab.records import dataclass

State = Literal["ok", "failed", "unknown"]


@dataclass(frozen=True)
class Finding:
    """What a check of a layer has come to, in words, and what to do about it if it failed.

    It is unknown what could not be looked at, because a layer above failed, say.
    """

    layer: str
    state: State
    words: str
    fix: Fix = ()

    def document(self) -> dict[str, Any]:
        """This as JSON."""
        return {
            "layer": self.layer,
            "state": self.state,
            "words": self.words or None,
            "fix": fixes.document(self.fix),
        }
