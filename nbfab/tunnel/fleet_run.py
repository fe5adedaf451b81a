"""The near end of a fleet, from the first logins to Control-C."""

from __future__ import annotations

import asyncio
import os
from html import escape
from pathlib import Path
from typing import Any

from nbfab.tunnel import browser, claim, confined, quiet
from nbfab.tunnel.fleet import Fleet
from nbfab.tunnel.found import FleetSpec
from nbfab.tunnel.kept import PERSON
from nbfab.tunnel.member import Told
from nbfab.tunnel.opened import Opened
from nbfab.tunnel.row import Row
from nbfab.tunnel.run import guard, show
from nbfab.tunnel.supervisor import private_folder, when_ended
from nbfab.tunnel.telling import FleetTelling, Telling

READY = 15.0  # seconds for the first try of each link, before the page is shown all the same
_THERE = '<!doctype html>\n<meta charset="utf-8">\n<meta name="referrer" content="no-referrer">\n<title>nbfab</title>\n'


async def run(spec: FleetSpec, telling: FleetTelling) -> int:
    """Carries until Control-C, SIGTERM or SIGHUP; the exit status. Raises OSError if there is no port for the page."""
    ended, up = asyncio.Event(), asyncio.Event()
    when_ended(ended.set)

    def tell(row: Row) -> None:
        telling.tell(row)
        if row.state == "up":
            up.set()

    for state in {found.spec.state for found in spec.hosts if found.spec and found.spec.state}:
        await asyncio.to_thread(claim.every, state)  # what was killed is removed
    with private_folder() as folder:
        fleet = Fleet(spec, folder, _show, tell)
        looking = asyncio.get_running_loop().create_task(fleet.look())
        try:
            await fleet.web.listen()
            await _first(asyncio.ensure_future(fleet.known(READY)), ended)
            if not ended.is_set():
                telling.up(fleet.web.url, fleet.rows, _status(fleet.rows, up.is_set()))
                if spec.browser and await asyncio.to_thread(_may_start):
                    browser.start(_page(fleet.web.url, folder))
            await ended.wait()
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
            await fleet.close()
    return _status(fleet.rows, up.is_set())


async def _show(opened: Opened, told: Told) -> None:
    """A link of ours has a row on the page; another process is to open the host as `open` does."""
    if isinstance(told, Telling):
        told.up(f"{opened.origin}/", ())
    else:
        await show(opened, told)


async def _first(task: asyncio.Future[None], ended: asyncio.Event) -> None:
    """Waits for a task, but not after the end of all."""
    waiting = asyncio.ensure_future(ended.wait())
    both: set[asyncio.Future[Any]] = {task, waiting}
    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    for each in both:
        each.cancel()
    await asyncio.gather(*both, return_exceptions=True)


def _may_start() -> bool:
    """Whether a browser is started: if there is one here, and it can read a file of ours."""
    if browser.why_not(os.environ, os.geteuid()):
        return False
    return confined.is_confined(browser.program(), os.environ) is False


def _page(url: str, folder: str) -> str:
    """A file that leads a browser to the page, whose path is in no command line so."""
    file = Path(folder, "open.html")
    file.touch(0o600)
    file.write_text(f'{_THERE}<meta http-equiv="refresh" content="0; url={escape(url)}">\n', encoding="utf-8")
    return file.as_uri()


def _status(rows: list[Row], up: bool) -> int:
    """The exit status: 0 after Control-C, unless no link was ever up."""
    if up or not rows:
        return 0
    return PERSON if any(row.state == "a person is needed" for row in rows) else 1


def main(text: str) -> int:
    """Runs a spec that is given as text; the exit status."""
    guard()
    spec = FleetSpec.load(text)
    del text
    telling = FleetTelling(spec.document)
    try:
        return quiet.run(run(spec, telling))
    except OSError as error:
        telling.failed(f"there is no port for the page: {error}")
        return 1
