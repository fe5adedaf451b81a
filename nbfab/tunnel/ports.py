"""Ports: which one here is a host's. Cookies and bookmarks hold for one port, so it is remembered."""

from __future__ import annotations

import contextlib
import errno
import itertools
import json
import os
import socket
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

from nbfab.records import dataclass
from nbfab.tunnel import state
from nbfab.tunnel.state import Whose
from nbfab.whole import write_whole

MOST = 5000  # entries; the oldest are forgotten
LONGEST = 4_000_000  # bytes of the record
BACKLOG = 512
LEAST = 1024  # the first port that takes no privilege
VERSION = 1

Bind = Callable[[int], "socket.socket | None"]
"""Takes a port; None if it is not free."""


@dataclass(frozen=True)
class Taken:
    """A socket that is bound to the port that was chosen, and what the user should know of that; `first` is whether the
    host has had none here before.
    """

    socket: socket.socket
    notes: tuple[str, ...] = ()
    first: bool = False


def order(first: Sequence[int], others: Collection[int]) -> Iterator[int]:
    """The ports to try: those that come first, the next higher ones, then the rest; none that is another host's."""
    own = max([port for port in first if port], default=LEAST)
    begin = max(own + 1, LEAST)
    rest = (port for port in itertools.chain(range(begin, 65536), range(LEAST, begin)) if port not in first)
    for port in itertools.chain(dict.fromkeys(first), rest):  # one by one: a list of them all takes 10 MB
        if 0 < port < 65536 and port not in others:
            yield port


def parse(text: str) -> tuple[dict[Whose, int], bool]:
    """What a record says that makes sense, and whether all of it does."""
    try:
        known = json.loads(text)
    except (ValueError, RecursionError):
        return {}, False
    if not isinstance(known, dict) or known.get("version") != VERSION or not isinstance(known.get("ports"), list):
        return {}, False
    found: dict[Whose, int] = {}
    for entry in known["ports"]:
        if not isinstance(entry, dict):
            continue
        whose, port = [entry.get(key) for key in ("host", "profile", "way")], entry.get("port")
        if all(isinstance(word, str) for word in whose) and type(port) is int and 0 < port < 65536:
            found[Whose(*map(str, whose))] = port
    return found, len(found) == len(known["ports"])


def dump(ports: Mapping[Whose, int]) -> str:
    """The record as text."""
    last = list(ports.items())[-MOST:]
    entries = [{"host": of.host, "profile": of.profile, "way": of.way, "port": port} for of, port in last]
    return json.dumps({"version": VERSION, "ports": entries}, indent=1) + "\n"


def bind(port: int) -> socket.socket | None:
    """A socket for this machine alone, unless the port is taken here, also by a listener for IPv6."""
    if not _is_free_for_ipv6(port):
        return None
    taken = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen(BACKLOG)  # only this tells that no one else listens there
    except OSError:
        taken.close()
        return None
    taken.setblocking(False)
    return taken


def _is_free_for_ipv6(port: int) -> bool:
    """Whether a browser that takes localhost for ::1 would not reach another program."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("::1", port))
    except OSError as error:
        return error.errno != errno.EADDRINUSE
    return True


def take(place: str, whose: Whose, first: Sequence[int], bind: Bind = bind) -> Taken:
    """A socket at the port that is remembered in the folder `place`, or at another one. Raises OSError if none is free.

    The port of a host that had none before is remembered. If the one it had is taken, another is for this time.
    """
    if not place:
        return _take(whose, first, {}, bind)[0]
    file = Path(place, "open.json")
    notes: tuple[str, ...] = ()
    with contextlib.ExitStack() as stack:
        known: Mapping[Whose, int] = {}
        try:
            state.folder(place)
            stack.enter_context(state.locked(file))
            known, notes = _read(file)
        except OSError as error:
            notes = (_unremembered(error),)
        taken, chosen = _take(whose, first, known, bind)
        if whose not in known:
            try:
                write_whole(file, dump({**known, whose: chosen}))
            except OSError as error:
                notes = (_unremembered(error),)
    return Taken(taken.socket, (*notes, *taken.notes), whose not in known)


def _unremembered(error: OSError) -> str:
    return f"the port here is not remembered: {error}"


def _read(file: Path) -> tuple[dict[Whose, int], tuple[str, ...]]:
    """What is remembered; a record that makes no sense is kept aside. Raises OSError."""
    try:
        with file.open(encoding="utf-8", errors="surrogateescape") as stream:
            text = stream.read(LONGEST)
    except FileNotFoundError:
        return {}, ()
    known, whole = parse(text)
    if whole:
        return known, ()
    names = (f"{file.name}.malformed{number}" for number in ("", *range(2, 1000)))
    aside = next(path for path in map(file.with_name, names) if not path.exists())
    os.replace(file, aside)
    write_whole(file, dump(known))
    return known, (f"{file} made no sense, so ports here may have changed; it is kept as {aside}",)


def _take(whose: Whose, first: Sequence[int], known: Mapping[Whose, int], bind: Bind) -> tuple[Taken, int]:
    mine = known.get(whose)
    others = {port for of, port in known.items() if of != whose}
    if mine is not None and (found := bind(mine)):
        return Taken(found), mine
    for port in order(first, others):
        if port != mine and (found := bind(port)):
            if mine is None:
                return Taken(found), port
            gone = f"port {mine} here, which {whose.host} had before, is taken by another program; it is {port} for now"
            return Taken(found, (f"{gone}, for which bookmarks and logins of the other do not count",)), port
    raise OSError(errno.EADDRINUSE, "no port is free here")
