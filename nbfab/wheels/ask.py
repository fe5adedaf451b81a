"""Ask: which packages are wanted, as lines for uv. Pure."""

import re
from collections.abc import Mapping

from packaging.utils import canonicalize_name

from nbfab.records import dataclass

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_HASH = re.compile(r" --hash[= ](\w+):([0-9A-Fa-f]+)")


@dataclass(frozen=True)
class Ask:
    """Requirements, and options for the index, a line each; `constraints` hold for what comes along, too.

    With `pre`, releases before the final one count.
    """

    lines: tuple[str, ...]
    constraints: tuple[str, ...] = ()
    pre: bool = False

    @property
    def hashes(self) -> Mapping[str, frozenset[str]]:
        """The hashes that a package may have, `sha256:...`, by its name, of those that the lines give hashes for."""
        found: dict[str, set[str]] = {}
        for line in self.lines:
            name = _NAME.match(line)
            if name and (hashes := {f"{kind}:{digest}".lower() for kind, digest in _HASH.findall(line)}):
                found.setdefault(canonicalize_name(name[0]), set()).update(hashes)
        return {name: frozenset(hashes) for name, hashes in found.items()}
