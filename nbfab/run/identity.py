"""This user's own client certificate: what nbfab on this machine presents to servers that ask for one."""

import os
import pwd
import re
import socket
import time
from contextlib import suppress
from pathlib import Path

from nbfab.errors import UsageError
from nbfab.fix import Command
from nbfab.keys import Key
from nbfab.plan import bundle, clients
from nbfab.settings import state_home
from nbfab.tunnel.state import folder, locked
from nbfab.whole import write_whole


def path() -> Path:
    """The file that holds it, with its key."""
    return Path(state_home(), "nbfab", "client.pem")


def file() -> str:
    """The same, as text; empty if there is none."""
    return str(path()) if path().exists() else ""


def known() -> str:
    """The certificate (PEM) that there is, and that others cannot use; empty if there is none. It makes none."""
    with suppress(FileNotFoundError, UsageError, OSError):
        return _kept(path())
    return ""


def exposed() -> str:
    """The file, if others can read it; else empty."""
    with suppress(OSError):
        seen = path().stat()
        return str(path()) if _is_exposed(seen) else ""
    return ""


def certificate() -> str:
    """The certificate (PEM); a new one if there is none that lasts. Raises UsageError."""
    place = path()
    try:
        with suppress(FileNotFoundError):
            return _kept(place)
        folder(str(place.parent))
        with locked(place):
            with suppress(FileNotFoundError):  # another process may have made it meanwhile
                return _kept(place)
            text = bundle.make(name(), "operator", "", bundle.LONG, time.time(), Key.new())
            write_whole(place, text)
            return bundle.shown(text)
    except OSError as error:
        raise UsageError(
            f"{place}, with which nbfab here shows who it is, cannot be kept: {error.strerror}", "free that place"
        ) from None


def _kept(place: Path) -> str:
    """Raises FileNotFoundError if there is none, or it ends soon; UsageError if others can read its key."""
    with place.open(encoding="ascii", errors="replace") as opened:
        seen = os.fstat(opened.fileno())
        text = bundle.shown(opened.read(100_000))
    if _is_exposed(seen):
        raise UsageError(f"others can read {place}, a key by which servers let you in", Command(f"rm {place}"))
    found = bundle.read(text)
    if not found or found[0].days_left(time.time()) < clients.SOON:
        raise FileNotFoundError
    return text


def _is_exposed(seen: os.stat_result) -> bool:
    return bool(seen.st_mode & 0o077) or seen.st_uid != os.geteuid()


def name() -> str:
    """Who that is, as other operators see it: the user here, and the machine."""
    try:
        user = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        user = str(os.geteuid())
    return "@".join(
        re.sub(r"[^A-Za-z0-9._-]", "-", part).lstrip(".-_")[:31] or "x" for part in (user, socket.gethostname())
    )
