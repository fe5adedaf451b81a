"""The user's browser: which one it is, whether to start it, and starting it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import webbrowser
from collections.abc import Mapping

LOCALE = "_NBFAB_LOCALE"  # the user's locale, as JSON: `ssh` would send it along, and a browser speaks by it
KEPT = 60  # seconds that it has to read a page that is for it alone
TEXT = {"www-browser", "links", "links2", "elinks", "lynx", "w3m", "browsh"}
"""Those that would take the terminal."""

# Starts the one that comes first: after that, `webbrowser` itself goes on to those that take the terminal. What it says
# of success proves none.
_CODE = """
import shutil, sys, threading, webbrowser
name, url, folder, seconds = sys.stdin.read().split("\\n")
if folder:
    threading.Timer(float(seconds), shutil.rmtree, (folder, True)).start()
webbrowser.get(name or None).open(url)
"""


def why_not(
    env: Mapping[str, str], uid: int, platform: str = sys.platform, *, as_root: bool = False, name: str | None = None
) -> str:
    """Why not to start a browser from here; empty if one may be started. `name` is that of the browser, if known."""
    if uid == 0 and not as_root:
        return "as root"
    if env.get("SSH_CONNECTION") or env.get("SSH_TTY"):
        return "over SSH"
    shown = platform == "darwin" or wsl(env) or any(map(env.get, ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")))
    if not shown:
        return "without a display"
    name = program() if name is None else name
    if not name:
        return "where none is found"
    return f"that would take the terminal ({name})" if os.path.basename(name) in TEXT else ""


def wsl(env: Mapping[str, str] = os.environ) -> str:
    """The program that starts a browser of Windows from Linux in it; empty elsewhere."""
    if not env.get("WSL_DISTRO_NAME") or env.get("BROWSER"):
        return ""
    return shutil.which("wslview", path=env.get("PATH")) or ""


def program() -> str:
    """The program that starts the user's browser; empty if there is none."""
    if found := wsl():
        return found
    try:
        return str(getattr(webbrowser.get(), "name", "") or "the system's")
    except webbrowser.Error:
        return ""


def start(url: str, folder: str = "") -> None:
    """Opens a page, and removes a folder once the browser had time to read what is in there.

    It returns at once, since some browsers end only when their window is closed, and goes on if this process ends. What
    they print is not for the user, and Control-C not for them. The URL is in no argument of ours.
    """
    try:
        process = subprocess.Popen(
            [sys.executable, "-ISc", _CODE],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, **json.loads(os.environ.get(LOCALE, "{}"))},
        )
        assert process.stdin
        with process.stdin as pipe:
            pipe.write("\n".join((wsl(), url, folder, str(KEPT))).encode())
    except OSError:
        return
    threading.Thread(target=process.wait, daemon=True).start()
