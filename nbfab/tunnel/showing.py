"""What the browser is to show, if one is started, and what the user is told if not."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable

from nbfab.tunnel import browser, once
from nbfab.tunnel.spec import Spec


async def target(spec: Spec, url: str, login_page: Callable[[], Awaitable[str]]) -> tuple[str, tuple[str, ...]]:
    """What the browser is to open, empty if none is started, and notes. `url` is the server's page."""
    if not spec.browser:
        return "", ()
    as_root = spec.login == "yes"
    if why := await asyncio.to_thread(browser.why_not, os.environ, os.geteuid(), as_root=as_root):
        login = "" if spec.foreign else ", and log in with the password"
        return "", (f"no browser is started {why}: open the URL yourself{login}",)
    if not spec.logs_in:
        return url, ()
    try:
        return await login_page(), ()
    except once.NoLogin as error:
        return url, (f"you have to log in by yourself: {error}",)
