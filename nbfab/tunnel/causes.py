"""Causes: what is not the link's fault, told apart from a lost link, and made good where that can be done from here."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from nbfab.relay.frames import NO_SERVER
from nbfab.tunnel import probes
from nbfab.tunnel.answers import awake
from nbfab.tunnel.carrier import Carrier, Failed
from nbfab.tunnel.host import Host
from nbfab.tunnel.link import Link
from nbfab.tunnel.presence import Presence
from nbfab.tunnel.spec import Spec

ANSWER = 5.0  # seconds for the server
FIND = 10.0  # seconds between two questions where it listens now
LONGEST = 7 * 86400  # seconds that output is said to be held back


class Causes:
    """Of one profile of one host: `link` and `port` are those of now, `note` is for the user."""

    def __init__(
        self, spec: Spec, note: Callable[..., None], link: Callable[[], Link], port: Callable[[], int]
    ) -> None:
        self.host = Host(spec.programs, spec.commands, note)
        self._spec, self._note, self._link, self._port = spec, note, link, port
        self._presence = Presence(
            lambda: link().up.wait(), self._server_answers, self.host.server_has_ended, self.host.server_is_back
        )
        self._held = 0.0  # since when, as it was told last
        self._found = 0.0

    def doubt(self) -> None:
        """A stream has found no server."""
        self._presence.doubt()

    def refused(self, answer: int) -> None:
        """As `Near` tells it. A stream that is not known is of a relay that has ended, which is told by itself."""
        if answer == NO_SERVER:
            self.doubt()

    async def revive(self, carrier: Carrier) -> str:
        """As `Host.revive`. Whatever has ended the relay may have ended the server as well, as `stop` does."""
        place = await self.host.revive(carrier)
        self.doubt()
        return place

    def full(self) -> None:
        """There is no more room for what browsers send."""
        if not self._link().up.is_set():
            self._note("64 MB wait to be sent to the host; what is sent to the page now has to wait in the browser")

    async def probe(self, path: str) -> None:
        """Asks the relay, which tells as well since when it holds output back. Raises OSError."""
        held = await probes.relay_answers(path)
        since = time.time() - min(held, LONGEST)  # a host may say anything
        if held and abs(since - self._held) > FIND:
            self._held = since
            at = time.strftime("%H:%M:%S", time.localtime(since))
            self._note(
                f"while there was no connection, a page's room on the host was full (4 MB each, 64 MB in all): "
                f"what was printed after {at} is at risk, as only the notebook server itself keeps it",
                "full",
            )

    async def renewed(self, spec: Spec) -> Spec:
        """With the certificate and the token that the server has now. Raises Failed."""
        carrier = self._link().carrier
        if carrier is None:
            raise Failed("there is no connection")
        now = await self.host.server(carrier)
        if now.certificate and now.certificate.split() != spec.certificate.split():
            self._note("the server has a new certificate; pages that are open go on", "certificate")
        return replace(spec, certificate=now.certificate or spec.certificate, token=now.token or spec.token)

    async def close(self) -> None:
        """Watches no more."""
        await self._presence.close()

    async def _server_answers(self) -> bool | None:
        """Whether the server answers; None if it is the link that does not."""
        try:
            plain = self._spec.foreign == "http"
            if await asyncio.wait_for(probes.server_is_behind(self._port(), plain=plain), ANSWER):
                return True
        except TimeoutError:
            return None
        except OSError:
            pass  # reset: no answer either
        if not await self._link().works():
            await asyncio.sleep(1.0)
            return None
        if not (self._spec.relayed or self._spec.foreign):
            await self._find()
        return False

    async def _find(self) -> None:
        """Without a relay, which looks by itself: goes to where the server listens now."""
        carrier = self._link().carrier
        if carrier is None or awake() - self._found < FIND:
            return
        self._found = awake()
        with suppress(Failed):
            port = (await self.host.server(carrier)).port
            address = self._spec.target.rpartition(":")[0]
            if port:
                await self._link().move(f"{address}:{port}")
