"""The near end, from its first login to Control-C."""

from __future__ import annotations

import os
import resource
import signal
from contextlib import suppress

from nbfab.tunnel import background, browser, direct, editors, quiet, showing, state
from nbfab.tunnel.member import Told
from nbfab.tunnel.opened import Opened
from nbfab.tunnel.spec import load_all
from nbfab.tunnel.supervisor import ENDS, Supervisor
from nbfab.tunnel.telling import Telling

FILES = 8192  # that may be open
UNKNOWN = "the first time, the browser warns of the certificate: go on if its fingerprint is the one that nbfab printed"
AT_RISK = "what is printed while the connection is down may be missing from the page"


async def show(opened: Opened, telling: Told) -> None:
    """Logs the user in, if that is wanted, and starts the browser, or at least says where to go."""
    spec = opened.spec
    target, notes = await showing.target(spec, opened.url, lambda: opened.login_page(telling.note))
    risk = (f"{opened.why_plain}: {AT_RISK}",) if opened.why_plain else ()
    unknown = (UNKNOWN,) if opened.first and not spec.issued and spec.foreign != "http" else ()
    opened.first = False
    telling.up(opened.url, (*spec.notes, *notes, *unknown, *risk))
    if target:
        browser.start(target)
    if spec.editor and isinstance(telling, Telling):
        telling.lines(editors.lines(spec, opened.url.rstrip("/"), secret=telling.on_terminal))


def guard() -> None:
    """Takes care that no core holds what was typed, that no program that is started reads it, and that there are files
    enough.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < most:  # 256 on macOS; a stream takes two
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)


def main(text: str) -> int:
    """Runs one spec, or several, given as text; the exit status: 0 after Control-C, see `Member.run`."""
    guard()
    specs = load_all(text)
    del text
    if specs[0].url:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDS)
        with suppress(KeyboardInterrupt):
            quiet.run(direct.run(specs[0], Telling(specs[0])))
        return 0
    if not specs[0].background:
        return quiet.run(Supervisor(specs, Telling, show).run())

    def work(output: background.Output) -> int:
        return quiet.run(Supervisor(specs, lambda spec: Telling(spec, output), show, output.leave).run())

    try:
        return background.start(state.folder(specs[0].state) / f"{specs[0].whose.name}.log", work)
    except OSError as error:
        Telling(specs[0]).failed(f"it cannot go on in the background: {error}", 1)
        return 1
