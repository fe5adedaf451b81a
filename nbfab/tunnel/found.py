"""What a look at a fleet's hosts has found, as it is passed on to the near end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, field
from typing import Any, cast

from nbfab.records import dataclass
from nbfab.tunnel.row import State
from nbfab.tunnel.spec import Spec


@dataclass(frozen=True)
class Found:
    """A host: the `spec` of its link, or the state that it is in instead, in its own words, and what to do."""

    host: str
    profile: str
    state: State = "connecting"
    words: str = ""
    fix: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    spec: Spec | None = None

    def dump(self) -> str:
        """This as a line of text."""
        return json.dumps(asdict(self))

    @staticmethod
    def load(text: str) -> Found:
        """What `dump` has written. Raises ValueError."""
        known = json.loads(text)
        spec = Spec.load(json.dumps(known["spec"])) if known["spec"] else None
        return Found(
            known["host"],
            known["profile"],
            cast(State, known["state"]),
            known["words"],
            tuple(known["fix"]),
            tuple(known["notes"]),
            spec,
        )


@dataclass(frozen=True)
class FleetSpec:
    """All that the near end of a fleet needs to know.

    `look` is a command that looks again at the hosts whose names follow it, joined by commas, and prints a Found for
    each; `env` is what its environment has besides. `document` is that of `--json`; empty without that.
    """

    hosts: tuple[Found, ...]
    look: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    browser: bool = True
    document: str = ""

    def dump(self) -> str:
        """This as text."""
        more = {"look": self.look, "env": dict(self.env), "browser": self.browser}
        return json.dumps({"hosts": [host.dump() for host in self.hosts], "document": self.document, **more})

    @staticmethod
    def load(text: str) -> FleetSpec:
        """What `dump` has written."""
        known: dict[str, Any] = json.loads(text)
        hosts = tuple(Found.load(host) for host in known.pop("hosts"))
        return FleetSpec(hosts, tuple(known.pop("look")), **known)
