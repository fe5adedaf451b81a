"""What people, or programs, are told of a link."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable
from typing import Any, Protocol

from nbfab import units
from nbfab.relay.stream import KEEP
from nbfab.text import clean, one_line
from nbfab.tunnel.carrier import Failed, NeedsPerson
from nbfab.tunnel.row import Row
from nbfab.tunnel.spec import Spec


class Output(Protocol):
    """Where lines go."""

    def write(self, text: str, /) -> int: ...

    def flush(self) -> None: ...

    def isatty(self) -> bool: ...


class Telling:
    """Prints lines for people, or JSON: one document once the link is up, then a line for each event."""

    def __init__(self, spec: Spec, out: Output = sys.stdout) -> None:
        self._spec, self._out = spec, out
        self._last = ""
        self._notes: tuple[str, ...] = ()
        self._told = False

    def up(self, url: str, notes: tuple[str, ...]) -> None:
        """The page can be opened."""
        notes = (*self._notes, *notes)
        if self._spec.json:
            self._write(self._document(url, notes))
            return
        for note in notes:
            self._write(f"note: {note}")
        self._write(f"{url}{self._ends}")

    @property
    def _ends(self) -> str:
        """How to end it, behind the URL; nothing if there is no link to end."""
        if self._spec.url:
            return ""
        if self._spec.background:
            return f"  (in the background; to close the link: {self._command('close')})"
        return "  (Control-C closes the link; the server goes on)"

    def _command(self, task: str) -> str:
        return self._spec.commands.get(task, f"nbfab {task}")

    def lines(self, lines: Iterable[str]) -> None:
        """More that is for people."""
        for line in lines:
            self._write(line)

    @property
    def on_terminal(self) -> bool:
        """Whether a person alone reads this."""
        return not self._spec.json and self._out.isatty()

    def was_up(self, url: str, notes: tuple[str, ...]) -> None:
        """The page can be opened, through another process that has the link."""
        notes = ("it is open already", *self._notes, *notes)
        if self._spec.json:
            self._write(self._document(url, notes))
            return
        for note in notes:
            self._write(f"note: {note}")
        self._write(url)

    def still_connecting(self) -> None:
        """The first login takes long."""
        if not self._spec.json:  # there, the document comes first
            self._write(f"{self._spec.host}: still connecting")

    def failed(self, words: str, status: int) -> None:
        """There is no link, or no more; that is the exit status."""
        if self._spec.json and not self._told:
            self._write(self._document("", self._notes, words, status))
        else:
            self._say("failed", words)

    def add(self, *notes: str) -> None:
        """What is to be said with the next of these."""
        self._notes = (*self._notes, *notes)

    def _document(self, url: str, notes: tuple[str, ...], error: str = "", status: int = 0) -> str:
        """That of `--json`, in one line like the events that follow."""
        self._told = True
        spec = self._spec
        if not spec.document:
            known = {"host": spec.host, "profile": spec.profile, "url": url, "notes": list(notes)}
            return json.dumps(known | ({"error": error, "status": status} if error else {}))
        whole = json.loads(spec.document)
        for host in whole["hosts"]:
            host["notes"] = [*host["notes"], *notes]
            if error:
                host |= {"verdict": "not reached", "error": error, "status": status}
            else:
                host["url"] = url
        return json.dumps(whole | {"status": status})

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
            stamp = units.stamp(now)
            self._write(json.dumps({"event": event, "time": stamp, "host": self._spec.host, "text": text, **more}))
        else:
            self._write(f"{time.strftime('%H:%M:%S', time.localtime(now))} {self._spec.host}: {text}")

    def _write(self, line: str) -> None:
        _print(line, self._out)


class FleetTelling:
    """As `Telling`, of many hosts: a line for each that changes its state. With a `document`, that of `--json`, this is
    printed once the page can be opened, and then a line for each event.
    """

    def __init__(self, document: str, out: Output = sys.stdout) -> None:
        self._document, self._out = document, out
        self._begun = False

    def up(self, url: str, rows: Iterable[Row], status: int) -> None:
        """The page can be opened; `status` would be the exit status now."""
        self._begun = True
        if not self._document:
            self._write(f"{url}  (Control-C closes the links; the servers go on)")
            return
        whole = json.loads(self._document)
        for host, row in zip(whole["hosts"], rows, strict=True):
            if row.state == "up":
                host |= {"url": row.url, "notes": [*host["notes"], *row.notes]}
            elif not host["error"]:
                host |= {"verdict": "not reached", "error": row.words or row.state, "status": 1, "url": None}
        self._write(json.dumps(whole | {"status": status, "page": url}))

    def tell(self, row: Row) -> None:
        """A host is in another state."""
        if row.state == "connecting" or (self._document and not self._begun):
            return
        now = time.time()
        if self._document:
            stamp = units.stamp(now)
            known = {"event": "host", "time": stamp, "host": row.host, "profile": row.profile, "state": row.state}
            self._write(json.dumps(known | {"url": row.url or None, "text": row.words or None}))
            return
        more = "".join(f": {one_line(text)}" for text in (row.words, row.url if row.state == "up" else "") if text)
        self._write(f"{time.strftime('%H:%M:%S', time.localtime(now))} {one_line(row.host)}: {row.state}{more}")

    def failed(self, words: str) -> None:
        """There is no page."""
        if self._document:
            words = json.dumps(json.loads(self._document) | {"status": 1, "error": words})
        self._write(words)

    def _write(self, line: str) -> None:
        _print(line, self._out)


def _print(line: str, out: Output) -> None:
    """Prints a line. A reader that has gone, as `head -1` has, does not end the link."""
    try:
        print(clean(line), file=out, flush=True)
    except BrokenPipeError:
        if out is sys.stdout:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, 1)
            os.close(null)
