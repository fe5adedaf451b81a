"""How the browser gets a login: by a file that no one else can read, or by a page that is served once."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from nbfab.tunnel import browser, confined, once, peer, served

Page = once.Page | served.Page

NEITHER = "it cannot be told whether another user of this machine could take the login over (--login does it anyway)"


def way(program: str, env: Mapping[str, str], *, anyway: bool, can_tell: Callable[[], bool] = peer.can_tell) -> str:
    """`file` or `served`, whichever works with the browser that `program` starts and is for the user alone.

    `anyone`, if it has to be `anyway`; empty if nothing is safe.
    """
    windows = bool(browser.wsl(env))  # from there no file of ours is read, nor does a connection have a user
    if not windows and confined.is_confined(program, env) is False:
        return "file"
    if not windows and can_tell():
        return "served"
    return "anyone" if anyway else ""


async def page(way: str, origin: str, nonce: str, warn: Callable[[str], None], text: str = "") -> Page:
    """The page that posts a nonce, or has another `text`. Raises once.NoLogin."""
    try:
        if way == "file":
            return once.Page(origin, nonce, text=text)
        made = served.Page(origin, nonce, warn, anyone=way == "anyone", text=text)
        await made.listen()
    except OSError as error:
        raise once.NoLogin(str(error)) from None
    return made


def chosen(*, anyway: bool) -> str:
    """The way for the user's browser. Raises once.NoLogin."""
    if found := way(browser.program(), os.environ, anyway=anyway):
        return found
    raise once.NoLogin(NEITHER)
