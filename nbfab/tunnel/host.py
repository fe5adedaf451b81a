"""The host behind a link: what of it has ended while the connection is fine, and what brings that back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import field
from typing import Any

from nbfab.records import dataclass
from nbfab.text import clean_line
from nbfab.tunnel import session
from nbfab.tunnel.answers import awake
from nbfab.tunnel.carrier import Carrier, Failed

PAUSE = 5.0  # seconds between two tries to start a relay that has ended

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
        self._last = ("", "")
        self._gone = False  # the server

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
        """Starts the relay there if it has ended and the server runs; its socket, empty if there is none."""
        program = self._programs.get("relay")
        if not program or awake() - self._revived < PAUSE:
            return ""
        try:
            said = await session.run(carrier.control, program)
        except Failed:
            return ""
        found = re.search(r"^(runs|started|stopped|gone|failed)(?: (.*))?$", said, re.MULTILINE)
        if found is None:  # another run is at work there
            return ""
        self._revived = awake()
        up = re.search(r"^up ([0-9]{1,12})$", said, re.MULTILINE)
        restarted = up is not None and int(up[1]) < awake() - self._since and found[1] != "runs"
        if restarted:
            self._since = awake()
        self._tell(found[1], clean_line(found[2] or ""), restarted=restarted)
        return found[2] if found[1] in ("runs", "started") and (found[2] or "").startswith("/") else ""

    def _tell(self, outcome: str, words: str, *, restarted: bool) -> None:
        """Tells what has become of the relay, once."""
        before, self._last = self._last, (outcome, words)
        what = "nbfab's relay there had ended"
        if restarted:
            self._note("the host was restarted, and what ran there has ended", "restarted")
        if outcome == "stopped":
            self.server_has_ended()
        elif outcome == "started" and not (self._gone or restarted):
            self._note(f"{what}, and was started again; reload pages that do not respond", "relay")
        elif outcome == "gone" and before != self._last:
            self._note(f"nbfab's relay is not on the host any more{self._anew()}", "relay")
        elif outcome == "failed" and before != self._last:
            why = f" ({words})" if words else ""
            self._note(f"{what}, and does not start again{why}{self._anew()}", "relay")

    def _anew(self) -> str:
        """What sets all of it up again; it can be typed in another terminal, too."""
        return f"; to open it anew: {self._command('close')} && {self._command('open')}"

    def server_has_ended(self) -> None:
        """Tells that there is no server, once."""
        if not self._gone:
            how = f"; to start it: {self._command('start')}" if self._programs else ""  # of a server of nbfab's
            self._note(f"the notebook server there has ended{how}", "stopped")
        self._gone = True

    def server_is_back(self) -> None:
        """Tells that it answers again, if it had ended."""
        if self._gone:
            self._note("the notebook server there answers again", "started")
        self._gone = False

    def _command(self, task: str) -> str:
        return self._commands.get(task, f"nbfab {task}")
