"""What people, or programs, are told of a link."""

from __future__ import annotations

import json
import sys
import time
from typing import Any, TextIO

from nbfab.relay.stream import KEEP
from nbfab.text import clean, one_line
from nbfab.tunnel.carrier import Failed, NeedsPerson
from nbfab.tunnel.spec import Spec


class Telling:
    """Prints lines for people, or JSON: one document once the link is up, then a line for each event."""

    def __init__(self, spec: Spec, out: TextIO = sys.stdout) -> None:
        self._spec, self._out = spec, out
        self._since = 0.0
        self._last = ""

    def up(self, url: str, notes: tuple[str, ...]) -> None:
        """The page can be opened."""
        if self._spec.json:
            known = {"host": self._spec.host, "profile": self._spec.profile, "url": url, "notes": list(notes)}
            self._write(json.dumps(known))
            return
        for note in notes:
            self._write(f"note: {note}")
        self._write(f"{url}  (Control-C closes the link; the server goes on)")

    def lost(self, why: str) -> None:
        """As `link.Watcher.lost`."""
        self._last = ""
        words = {"ended": "the connection was cut", "silent": "the connection does not answer"}[why]
        self._say("lost", f"{words}; trying again")

    def found(self, seconds: float, tries: int) -> None:
        """As `link.Watcher.found`."""
        late = "; pages that were open have to be reloaded, and what was printed meanwhile may be missing"
        text = f"connected again after {seconds:.1f} s{late if seconds > KEEP else ''}"
        self._say("found", text, seconds=round(seconds, 1), tries=tries)

    def tried(self, error: Failed) -> None:
        """As `link.Watcher.tried`; each reason once."""
        last = one_line(str(error).splitlines()[-1]) if str(error) else ""
        if last != self._last:
            self._last = last
            if isinstance(error, NeedsPerson):
                self._say("person", f"{last}{self._how()}")
            else:
                self._say("tried", last)

    def _how(self) -> str:
        """What a person can do who has no terminal of this process."""
        if not self._spec.commands:
            return ""
        return f"; type here: {self._spec.commands['close']} && {self._spec.commands['open']}"

    def note(self, text: str, event: str = "note") -> None:
        """Anything else that is good to know."""
        self._say(event, text)

    def _say(self, event: str, text: str, **more: Any) -> None:
        now = time.time()
        if self._spec.json:
            stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
            self._write(json.dumps({"event": event, "time": stamp, "text": text, **more}))
        else:
            self._write(f"{time.strftime('%H:%M:%S', time.localtime(now))} {self._spec.host}: {text}")

    def _write(self, line: str) -> None:
        print(clean(line), file=self._out, flush=True)
