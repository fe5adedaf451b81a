"""The host behind a link: what of it has ended while the connection is fine, and what brings that back."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from nbfab.text import clean_line
from nbfab.tunnel import session
from nbfab.tunnel.answers import awake
from nbfab.tunnel.carrier import Carrier, Failed

PAUSE = 30.0  # seconds until a relay is started again that has ended once more

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\n")


@dataclass(frozen=True)
class Server:
    """The server as it is now: its port, 0 if none runs; its certificate (PEM) and its token, if it has any."""

    port: int = 0
    certificate: str = ""
    token: str = field(default="", repr=False)


class Host:
    """`programs` are for its sh, `commands` for the user; `note` is told what has become of it."""

    def __init__(
        self, programs: Mapping[str, str], commands: Mapping[str, str], note: Callable[[str, str], None]
    ) -> None:
        self._programs, self._commands, self._note = programs, commands, note
        self._since = awake()
        self._revived = -PAUSE
        self._place = ""
        self._one = asyncio.Lock()

    async def server(self, carrier: Carrier) -> Server:
        """What the server is now. Raises Failed."""
        said = await session.run(carrier.control, self._programs.get("server", ""))
        known: dict[str, Any] = {}
        for line in said.splitlines():
            if line.startswith("{"):
                with suppress(ValueError, RecursionError):
                    known |= json.loads(line)
        port, token = known.get("port"), known.get("token")
        pem = _PEM.search(said)
        return Server(
            port if isinstance(port, int) and 0 < port < 65536 else 0,
            pem[0] if pem else "",
            token if isinstance(token, str) else "",
        )

    async def revive(self, carrier: Carrier) -> str:
        """Starts the relay there if it has ended; its socket, empty if there is none."""
        program = self._programs.get("relay")
        if not program:
            return ""
        async with self._one:  # others race with this one, and find what it has made
            if awake() - self._revived < PAUSE:
                return self._place
            self._revived, self._place = awake(), ""
            try:
                said = await session.run(carrier.control, program)
            except Failed:
                return ""
            found = re.search(r"^(runs|started|gone|failed)(?: (.*))?$", said, re.MULTILINE)
            up = re.search(r"^up ([0-9]{1,12})$", said, re.MULTILINE)
            restarted = up is not None and int(up[1]) < awake() - self._since
            if found is None:
                self._revived = -PAUSE  # another run is at work there
                return ""
            if restarted and found[1] != "runs":
                self._since = awake()
            self._tell(found[1], clean_line(found[2] or ""), restarted=restarted)
            self._place = found[2] if found[1] in ("runs", "started") and (found[2] or "").startswith("/") else ""
            return self._place

    def _tell(self, outcome: str, words: str, *, restarted: bool) -> None:
        what = "the host was restarted, and what ran there has ended" if restarted else "nbfab's relay there had ended"
        event = "restarted" if restarted else "relay"
        if outcome == "started" and restarted:
            self._note(f"{what}; pages go on once the server runs: {self._command('start')}", event)
        elif outcome == "started":
            self._note(f"{what}, and was started again; a page that stays still has to be reloaded", event)
        elif outcome != "runs":
            why = f" ({words})" if words else ""
            self._note(f"{what}, and does not start again{why}; Control-C, then: {self._command('open')}", event)

    def server_has_ended(self) -> None:
        """Told when a stream has found no server."""
        self._note(f"the notebook server there has ended; to start it: {self._command('start')}", "stopped")

    def server_is_back(self) -> None:
        """Told when it answers again."""
        self._note("the notebook server there answers again", "started")

    def _command(self, task: str) -> str:
        return self._commands.get(task, f"nbfab {task}")
