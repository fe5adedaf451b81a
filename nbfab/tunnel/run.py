"""The near end, from its first login to Control-C."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import signal
import tempfile

from nbfab.tunnel import browser, once
from nbfab.tunnel.carrier import Failed
from nbfab.tunnel.opened import Opened
from nbfab.tunnel.spec import Spec
from nbfab.tunnel.telling import Telling

AT_RISK = "the host cannot run nbfab's relay: what is printed while the connection is down may be missing from the page"


async def run(spec: Spec, telling: Telling) -> None:
    """Carries until Control-C, SIGTERM or SIGHUP. Raises Failed if the host cannot be reached to begin with."""
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    folder = tempfile.mkdtemp(prefix="nbfab-", dir="/tmp" if len(tempfile.gettempdir()) > 40 else None)  # noqa: S108
    opened = Opened(spec, telling, folder)
    try:
        await opened.listen()
        connecting = asyncio.get_running_loop().create_task(opened.connect())
        if not await _or_ended(connecting, ended):
            return
        connecting.result()
        await _show(opened, telling)
        await ended.wait()
    finally:
        await opened.close()
        shutil.rmtree(folder, ignore_errors=True)


async def _or_ended(task: asyncio.Task[None], ended: asyncio.Event) -> bool:
    """Whether a task is done before all is to end; if not, it is cancelled."""
    waiting = asyncio.ensure_future(ended.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if not task.done():
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return False
    return True


async def _show(opened: Opened, telling: Telling) -> None:
    """Logs the user in, if that is wanted, and starts the browser, or at least says where to go."""
    spec = opened.spec
    notes = () if spec.relayed else (AT_RISK,)
    target = f"{opened.origin}/"
    if spec.token and spec.browser:
        try:
            target = await opened.login_page()
        except once.NoLogin as error:
            notes = (*notes, f"you have to log in by yourself: {error}")
    telling.up(f"{opened.origin}/", notes)
    if spec.browser:
        browser.start(target)


def main(text: str) -> int:
    """Runs a spec that is given as text; the exit status: 0 after Control-C, 1 if the host was not reached."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core would hold what was typed
    spec = Spec.load(text)
    del text
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    telling = Telling(spec)
    try:
        asyncio.run(run(spec, telling))
    except Failed as error:
        telling.note(f"not connected: {error}")
        return 1
    return 0
