"""What the near end needs to know, as it is passed on from the program that has looked at the host."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, field
from typing import Any

from nbfab.records import dataclass
from nbfab.tunnel.state import Whose


@dataclass(frozen=True)
class Spec:
    """A link to one profile of one host, and the page behind it.

    `command` is the `ssh` that carries, `target` a socket or HOST:PORT there, `relayed` whether the relay is behind
    it; then `plain` is the server's own HOST:PORT, for a host that does not let the relay be reached. `ports` are to be
    tried in that order; 0 is any that is free. `certificate` (PEM) and `token` are the server's; without a token no one
    is logged in. `issued` is whether an authority of the user's has signed that certificate, so that browsers know it.
    `name` is the host's in the URL; `browser` says whether one is started.

    `asking` is the same `ssh` with prompts, empty if it has none that we could answer; `typed` is what was answered to
    them before, and `keeps` whether more may be kept. `person` is whether someone is at the terminal. `commands` are
    the command lines of tasks on that host, as the user would type them, and `programs` are for its sh (`host.py`).

    `state` is the folder for what others have to know and for what is remembered; empty if there is none. `way` tells
    hosts of the same name apart, and `published` is where the socket of what carries is published for other tasks.
    `background` goes on without the terminal. `document` is that of `--json`, to be printed once the link is up.
    `claim` is the open file of one that was taken before (`claim.py`).

    `login` is whether the user is logged in: `yes` and `no` by their own word, else by the rules. With a `url`, the
    server's own, there is no link; `address` is where it is then asked for a login, if that is this machine. `notes`
    are for the user; with `editor` they are told what an editor asks for. `client` is a file with what is presented to
    a server that asks for a certificate.

    A server that nbfab did not start is `foreign`: `http` or `https`. Its pages are below the path `base`, and its
    token logs in by the URL.
    """

    host: str
    profile: str
    command: tuple[str, ...]
    target: str
    relayed: bool
    ports: tuple[int, ...]
    plain: str = ""
    name: str = "localhost"
    certificate: str = ""
    issued: bool = False
    token: str = field(default="", repr=False)
    browser: bool = True
    json: bool = False
    asking: tuple[str, ...] = ()
    typed: dict[str, str] = field(default_factory=dict, repr=False)
    keeps: bool = False
    person: bool = False
    commands: dict[str, str] = field(default_factory=dict)
    programs: dict[str, str] = field(default_factory=dict, repr=False)
    state: str = ""
    way: str = ""
    published: str = ""
    background: bool = False
    document: str = ""
    login: str = ""
    url: str = ""
    address: str = ""
    notes: tuple[str, ...] = ()
    client: str = ""
    editor: bool = False
    claim: int = -1
    foreign: str = ""
    base: str = ""

    @property
    def whose(self) -> Whose:
        """What it is remembered by."""
        return Whose(self.host, self.profile, self.way)

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
        return _spec(json.loads(text))


def dump_all(specs: Iterable[Spec]) -> str:
    """Several as one text."""
    return json.dumps([asdict(spec) for spec in specs])


def load_all(text: str) -> list[Spec]:
    """Those that `dump_all` has written, or the one that `Spec.dump` has."""
    known = json.loads(text)
    return [_spec(one) for one in (known if isinstance(known, list) else [known])]


def _spec(known: dict[str, Any]) -> Spec:
    lists: dict[str, Any] = {key: tuple(value) for key, value in known.items() if isinstance(value, list)}
    return Spec(**{**known, **lists})
