"""What people, or programs, are told of a link."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from typing import Any, Protocol

from nbfab.text import clean, one_line
from nbfab.tunnel.carrier import Failed
from nbfab.tunnel.spec import Spec


class Output(Protocol):
    """Where lines go."""

    def write(self, text: str, /) -> int: ...

    def flush(self) -> None: ...


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
        if self._spec.url:
            self._write(url)
            return
        how = (
            f"in the background; {self._spec.close} closes the link"
            if self._spec.background
            else "Control-C closes the link"
        )
        self._write(f"{url}  ({how}; the server goes on)")

    def was_up(self, url: str, notes: tuple[str, ...]) -> None:
        """The page can be opened, through another process that has the link."""
        notes = ("it is open already", *self._notes, *notes)
        if self._spec.json:
            self._write(self._document(url, notes))
            return
        for note in notes:
            self._write(f"note: {note}")
        self._write(url)

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

    def lines(self, lines: Iterable[str]) -> None:
        """More that is for people, and for no program."""
        for line in () if self._spec.json else lines:
            self._write(line)

    @property
    def on_terminal(self) -> bool:
        """Whether a person alone reads this."""
        return not self._spec.json and bool(getattr(self._out, "isatty", bool)())

    def lost(self, why: str) -> None:
        """As `link.Watcher.lost`."""
        self._last = ""
        words = {"ended": "the connection was cut", "silent": "the connection does not answer"}[why]
        self._say("lost", f"{words}; trying again")

    def found(self, seconds: float, tries: int) -> None:
        """As `link.Watcher.found`."""
        self._say("found", f"connected again after {seconds:.1f} s", seconds=round(seconds, 1), tries=tries)

    def tried(self, error: Failed) -> None:
        """As `link.Watcher.tried`; each reason once."""
        last = one_line(str(error).splitlines()[-1]) if str(error) else ""
        if last != self._last:
            self._last = last
            self._say("tried", last)

    def note(self, text: str) -> None:
        """Anything else that is good to know."""
        self._say("note", text)

    def _say(self, event: str, text: str, **more: Any) -> None:
        now = time.time()
        if self._spec.json:
            stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
            self._write(json.dumps({"event": event, "time": stamp, "host": self._spec.host, "text": text, **more}))
        else:
            self._write(f"{time.strftime('%H:%M:%S', time.localtime(now))} {self._spec.host}: {text}")

    def _write(self, line: str) -> None:
        print(clean(line), file=self._out, flush=True)
