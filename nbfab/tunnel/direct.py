"""The server's own URL, without a link: on this machine, or where its port is reachable from here."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from urllib.parse import urlsplit

from nbfab.tunnel import browser, editors, handover, once, served, showing
from nbfab.tunnel.spec import Spec
from nbfab.tunnel.telling import Telling


async def run(spec: Spec, telling: Telling) -> None:
    """Starts the browser, logged in if the server is here, and says where to go. It returns at once, but for a page
    that it has to serve: then, once the browser has got that.
    """
    pages: list[handover.Page] = []

    async def login_page() -> str:
        pages.append(await _login_page(spec, telling))
        return pages[0].url

    target, notes = await showing.target(spec, spec.url, login_page)
    telling.up(spec.url, (*spec.notes, *notes))
    if target:
        browser.start(target, pages[0].folder if pages else "")
    if spec.editor:
        telling.lines(editors.lines(spec, spec.url.rstrip("/"), secret=telling.on_terminal))
    for page in pages:
        if isinstance(page, served.Page):
            with suppress(TimeoutError):
                await asyncio.wait_for(page.used.wait(), browser.KEPT)
            page.remove()


async def _login_page(spec: Spec, telling: Telling) -> handover.Page:
    """Raises NoLogin."""
    url = urlsplit(spec.url)
    way = await asyncio.to_thread(handover.chosen, anyway=spec.login == "yes")
    if spec.foreign:
        return await handover.page(way, "", "", telling.note, once.by_token(spec.url, spec.token))
    ask = (url.port or 443, spec.certificate, spec.token, url.hostname or "", spec.address)
    nonce = await asyncio.to_thread(once.ask, *ask, client=spec.client)
    return await handover.page(way, spec.url.rstrip("/"), nonce, telling.note)
