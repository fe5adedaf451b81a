"""What this machine may be called by a browser, where the server listens on loopback alone."""

from __future__ import annotations

from typing import List


class Hostnames(List[str]):
    """Names that pass the server's check of the Host header, with all of those below `localhost`.

    That check is against a page elsewhere whose own name leads here. No name below `localhost` is elsewhere (RFC 6761,
    6.3): browsers do not look it up.
    """

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or (isinstance(name, str) and name.lower().endswith(".localhost"))
