"""The user's browser: whether to start it, and starting it."""

from __future__ import annotations

import sys
import threading
import webbrowser
from collections.abc import Mapping


def why_not(env: Mapping[str, str], uid: int, platform: str = sys.platform) -> str:
    """Why not to start a browser from here; empty if one may be started."""
    if uid == 0:
        return "as root"
    if env.get("SSH_CONNECTION") or env.get("SSH_TTY"):
        return "over SSH"
    if platform != "darwin" and not (env.get("DISPLAY") or env.get("WAYLAND_DISPLAY") or env.get("BROWSER")):
        return "without a display"
    return ""


def start(url: str) -> None:
    """Opens a page. It returns at once, and tells nothing: some browsers end only when their window is closed, and what
    `webbrowser` says of success proves none.
    """
    threading.Thread(target=_open, args=(url,), daemon=True).start()


def _open(url: str) -> None:
    try:
        webbrowser.open(url)
    except (OSError, webbrowser.Error):
        return
