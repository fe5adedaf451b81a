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

    `login` is whether the user is logged in: `yes` and `no` by their own word, else by the rules. With a `url`, the
    server's own, there is no link; `address` is where it is then asked for a login, if that is this machine. `notes`
    are for the user; with `editor` they are told what an editor asks for.
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
    login: str = ""
    url: str = ""
    address: str = ""
    notes: tuple[str, ...] = ()
    editor: bool = False

    @property
    def logs_in(self) -> bool:
        """Whether a login can be asked for, and may be: not of a server that is reached neither by a link nor here."""
        return bool(self.token) and self.login != "no" and not (self.url and not self.address)

    def dump(self) -> str:
        """This as text."""
        return json.dumps(asdict(self))

    @staticmethod
    def load(text: str) -> Spec:
        """What `dump` has written."""
        known: dict[str, Any] = json.loads(text)
        lists: dict[str, Any] = {key: tuple(value) for key, value in known.items() if isinstance(value, list)}
        return Spec(**{**known, **lists})
