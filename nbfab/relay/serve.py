"""The far end as a program, in a profile's folder on the host: until it has not been used for an hour."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import tempfile
import time
from contextlib import suppress
from typing import Any

from . import VERSION
from .far import Far
from .stream import KEEP

NAME = f"relay-{VERSION}"
LONGEST = 107  # bytes of a socket's path (unix(7))
OTHERWISE = "/var/tmp"  # noqa: S108  # not /run/user, which logind removes; what is made there is private
ALL = ("", "*", "localhost", "0.0.0.0", "::")  # addresses of a server that is reached at 127.0.0.1, too
RECORD = "relay"  # the file in the profile's folder that names a folder there
SWEEP = 5.0  # seconds between two looks at what is no longer needed


def main(profile: str) -> None:
    """Serves the streams of a profile. Raises OSError if there is no place for its socket."""
    os.umask(0o077)
    path = place(profile)
    os.umask(0o177)
    asyncio.run(serve(path, Far(lambda: port(profile), address=lambda: address(profile))))


async def serve(path: str, far: Far, *, sweep: float = SWEEP, keep: float = KEEP) -> None:
    """Serves at that socket, until it has not been used for `keep` seconds, or SIGTERM. Raises OSError."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, ended.set)
    with suppress(FileNotFoundError):
        os.unlink(path)
    server = await loop.create_unix_server(far.accept, path, backlog=512)
    try:
        while not ended.is_set() and time.monotonic() - far.used < keep:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(ended.wait(), sweep)
            far.sweep()
    finally:
        far.drop()
        server.close()
        with suppress(FileNotFoundError):
            os.unlink(path)


def place(profile: str) -> str:
    """Where its socket is: in the profile's folder; where that does not do, in one in /var/tmp, which is recorded."""
    path = os.path.join(profile, NAME)
    if len(os.fsencode(path)) <= LONGEST:
        return path
    record = os.path.join(profile, RECORD)
    folder = ""
    with suppress(OSError), open(record, encoding="utf-8", errors="surrogateescape") as file:
        folder = file.read(4096).strip()
    if not _is_private(folder):  # it may be gone, and another user may have made one of that name
        folder = tempfile.mkdtemp(prefix="nbfab.", dir=OTHERWISE)
        with open(f"{record}.new", "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(f"{folder}/\n")
        os.replace(f"{record}.new", record)
    return os.path.join(folder, NAME)


def port(profile: str) -> int:
    """The port that the profile's server listens at: as the one that was started last has noted it. Raises OSError."""
    return int(_noted(profile)["port"])


def address(profile: str) -> str:
    """The address that it listens at; that of this machine for itself, if it is one of all. Raises OSError."""
    ip = _noted(profile).get("hostname")
    return ip if isinstance(ip, str) and ip not in ALL else "127.0.0.1"


def _noted(profile: str) -> dict[str, Any]:
    with open(os.path.join(profile, "started"), encoding="utf-8", errors="replace") as file:
        pid = file.read(4096).split()[1:2]
    for kind in ("jpserver", "nbserver"):
        path = os.path.join(profile, "runtime", f"{kind}-{''.join(pid)}.json")
        with suppress(FileNotFoundError, ValueError, KeyError, TypeError), open(path, encoding="utf-8") as file:
            noted = json.load(file)
            return {**noted, "port": int(noted["port"])}
    raise OSError("no server runs")


def _is_private(folder: str) -> bool:
    try:
        found = os.lstat(folder)
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077
