"""Again: an `open` of what is open here already, without a connection to the host."""

import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

from nbfab.errors import HostError
from nbfab.fix import Command
from nbfab.names import HostString
from nbfab.outcome import Outcome
from nbfab.settings import state_home
from nbfab.ssh.options import SshOptions
from nbfab.tunnel import claim, control
from nbfab.tunnel.claim import Claim, Running
from nbfab.tunnel.state import Whose

OPENS = 60.0  # seconds for the one that runs to open its page, which it may be logging in for
WAITS = 300.0  # and for an `open` that looks, or sets up


def place() -> str:
    """The folder of what is remembered, and of what runs."""
    return str(Path(state_home(), "nbfab"))


def whose(label: str, profile: str, typed: HostString | None, options: SshOptions | None) -> Whose:
    """What is remembered for a profile of a host is remembered by this; hosts of the same name may be two."""
    if typed is None or options is None:
        return Whose(label, profile)
    config = os.path.abspath(options.config) if options.config else ""
    jumps = None if options.jumps is None else [str(jump) for jump in options.jumps]
    if not config and jumps is None and str(typed) == label:
        return Whose(label, profile)
    known = json.dumps([str(typed), config, jumps])
    return Whose(label, profile, hashlib.sha256(known.encode(errors="surrogateescape")).hexdigest()[:12])


def once_more(mine: Whose, *, browser: bool, sees: Callable[[str], None]) -> tuple[Outcome | None, Claim | None]:
    """Has the one that runs open its page. If none runs, or its server has to be looked after first, there is no
    outcome; then the claim is this program's, if that could be had.

    One that is being opened now is waited for. Raises HostError.
    """
    end = time.monotonic() + WAITS
    while True:
        running = claim.find(place(), mine, 1)
        if running is not None:
            return _asked(running, browser=browser), None
        try:
            taken = Claim.take(place(), mine)
        except OSError:
            return None, None  # the near end tells
        if taken is not None:
            return None, taken
        if time.monotonic() > end:
            raise HostError("another `open` of it is at work on this machine, and does not get done", "end that one")
        sees("another `open` of it is at work on this machine; waiting for it")


def _asked(running: Running, *, browser: bool) -> Outcome | None:
    try:
        said = control.ask(running.control, {"do": "open", "browser": browser, "check": True}, OPENS)
    except control.Unanswered as error:
        raise HostError(
            f"process {running.pid} has it open, but does not answer: {error}", Command(f"kill {running.pid}")
        ) from None
    if said.get("error") or said.get("server") is False:
        return None
    notes = ("it is open already", *map(str, said.get("notes", ())))
    if said.get("link") == "up":
        return Outcome(running.host, "open", "running", url=running.url, notes=notes, state={"running": True})
    return Outcome(running.host, "open", "running", url=running.url, notes=(f"{notes[0]}: {running.url}", *notes[1:]))
