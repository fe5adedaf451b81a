"""What the near end needs to know, as it is passed on from the program that has looked at the host."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Spec:
    """A link to one profile of one host, and the page behind it.

    `command` is the `ssh` that carries, `target` a socket or HOST:PORT there, `relayed` whether the relay is behind
    it. `ports` are to be tried in that order; 0 is any that is free. `certificate` (PEM) and `token` are the server's;
    without a token no one is logged in. `name` is the host's in the URL; `browser` says whether one is started.
    `asking` is the same `ssh` with prompts, empty if it has none that we could answer; `typed` is what was answered to
    them before, and `keeps` whether more may be kept. `person` is whether someone is at the terminal. `commands` are
    the command lines of tasks on that host, as the user would type them, and `programs` are for its sh (`host.py`).
    """

    host: str
    profile: str
    command: tuple[str, ...]
    target: str
    relayed: bool
    ports: tuple[int, ...]
    name: str = "localhost"
    certificate: str = ""
    token: str = field(default="", repr=False)
    browser: bool = True
    json: bool = False
    asking: tuple[str, ...] = ()
    typed: dict[str, str] = field(default_factory=dict, repr=False)
    keeps: bool = False
    person: bool = False
    commands: dict[str, str] = field(default_factory=dict)
    programs: dict[str, str] = field(default_factory=dict, repr=False)

    def dump(self) -> str:
        """This as text."""
        return json.dumps(asdict(self))

    @staticmethod
    def load(text: str) -> Spec:
        """What `dump` has written."""
        known: dict[str, Any] = json.loads(text)
        lists: dict[str, Any] = {key: tuple(value) for key, value in known.items() if isinstance(value, list)}
        return Spec(**{**known, **lists})
