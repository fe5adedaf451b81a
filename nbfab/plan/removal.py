"""Removal: the changes that take away everything that nbfab has put on a host, and what stays there."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from glob import escape
from itertools import takewhile
from typing import TYPE_CHECKING

from nbfab.errors import HostError
from nbfab.fix import Note, there
from nbfab.look.left import Entry, Run
from nbfab.look.server import FOREVER
from nbfab.plan import at_boot, choices, cluster, left, takes
from nbfab.plan.change import Change
from nbfab.plan.relay import end_relays
from nbfab.plan.server import stop_server
from nbfab.plan.steps import managed

if TYPE_CHECKING:
    from nbfab.look.facts import Facts
    from nbfab.wanted import Wanted

MOST = 5  # paths in a note
LEAVES_NOTHING = 3  # the first launcher, as run.sh counts them, whose servers leave nothing in the home folder

Part = Callable[["Wanted", "Facts"], Iterable[Change]]


def plan(wanted: Wanted, facts: Facts) -> list[Change]:
    """What has to be removed, in an order that can be gone through again after a cut: what tells of the rest goes last.

    Raises Refused if a newer nbfab takes care of the profile, HostError if it is not safe to remove.
    """
    choices.check_version(facts)
    if facts.files.state in ("link", "other"):
        what = "is a symbolic link" if facts.files.state == "link" else "is not a folder that can be entered"
        place = facts.files.folder
        look = there(f"ls -ld {shlex.quote(place)}")
        raise HostError(f"{place} {what}; nbfab does not remove what it did not make", look)
    changes = [change for part in PARTS for change in part(wanted, facts)]
    if changes and not facts.files.writable:
        near = facts.files.nearest
        raise HostError(f"{near} is not writable for {facts.host.user}", there(f"ls -ld {shlex.quote(near)}"))
    return changes


def _traces(wanted: Wanted, facts: Facts) -> Iterator[Change]:
    """Of servers of earlier releases, and folders in the home folder that are empty and were not there before."""
    found = _in_home(facts)
    if found.files:
        what = "remove what the server of an earlier release left"
        yield _remove("server", what, "~", found.files, detail=f"in the home folder: {_some(found.files)}")
    if found.folders:
        what = "remove empty folders that were not there before"
        yield _remove("server", what, "~", (), (), found.folders, detail=f"in the home folder: {_some(found.folders)}")


def _in_home(facts: Facts) -> left.Sorted:
    """What is in the home folder: files are traces by their names, and were changed while a recorded server ran."""
    runs = tuple(_earlier_runs(facts))
    during = [of.path for of in facts.left.traces if any(run.since <= of.changed <= run.until for run in runs)]
    traces = left.sort((Entry("f", path) for path in during), left.TRACE_FILES).files
    known = {path for _, path in facts.left.later}
    # A link there is the user's.
    later = (Entry(kind.replace("l", "f"), path) for kind, path in facts.left.later)
    entries = (*later, *(Entry("f", path) for path in traces if path not in known))
    absent = {*facts.left.made.absent}
    found = left.sort(entries, map(escape, traces), folders=absent)
    new = (path for path in found.folders if absent.intersection((path, *left.above(path))))
    return replace(found, folders=tuple(new))


def _earlier_runs(facts: Facts) -> Iterator[Run]:
    """When servers ran that left something in the home folder: those that are recorded, and the last one."""
    yield from facts.left.runs
    launcher = (takes.last(facts) or {}).get("launcher", "")
    if facts.server.started and launcher in map(str, range(1, LEAVES_NOTHING)):
        yield Run(facts.server.started.since, FOREVER if facts.server.alive else facts.left.logged)


def _at_boot(wanted: Wanted, facts: Facts) -> Iterator[Change]:
    if at_boot.is_on(facts):
        yield at_boot.off(wanted.settings.profile)


def _server(wanted: Wanted, facts: Facts) -> Iterator[Change]:
    started = facts.server.started
    if (facts.server.alive or facts.server.between) and started:
        stop = stop_server(started.pid, started.start)
        yield Change(
            step="server", kind="stop server", what="end the server", detail=f"(process {started.pid})", args=stop
        )


def _relays(wanted: Wanted, facts: Facts) -> Iterator[Change]:
    if facts.left.relays or facts.relay.running:
        yield end_relays()


def _members(wanted: Wanted, facts: Facts) -> Iterator[Change]:
    yield from cluster.ends(facts)


def _session(wanted: Wanted, facts: Facts) -> Iterator[Change]:
    """Unless it ends with the server."""
    windows = _windows(facts)
    if windows or (_panes(facts) and not (facts.server.alive or facts.server.between)):
        yield Change(
            step="server",
            kind="end session",
            what="end its tmux session",
            detail=f"with {windows} in it" if windows else "",
            args={"profile": wanted.settings.profile},
        )


def _orphans(wanted: Wanted, facts: Facts) -> Iterator[Change]:
    for pid, start in facts.left.orphans:
        what = "end a kernel that has outlived its server"
        args = {"pid": pid, "start": start}
        yield Change(step="server", kind="end process", what=what, detail=f"(process {pid})", args=args)


def _sockets(wanted: Wanted, facts: Facts) -> Iterator[Change]:
    names = {name for known in left.SOCKETS.values() for name in known}
    for folder in [path for kind, path in facts.left.sockets if kind == "d" and _is_for_sockets(path)]:
        inside = [Entry(kind, path.removeprefix(f"{folder}/")) for kind, path in facts.left.sockets if path != folder]
        found = left.sort((entry for entry in inside if not entry.path.startswith("/")), names)
        folders = () if found.others else (".",)
        yield _remove("server", "remove the folder of a socket", folder, found.files, (), folders)


def _is_for_sockets(path: str) -> bool:
    return any(fnmatchcase(path, of) and path.count("/") == of.count("/") for of in left.SOCKET_FOLDERS)


def _profile(wanted: Wanted, facts: Facts) -> Iterator[Change]:
    found = _in_profile(wanted, facts)
    files = tuple(path for path in found.files if path not in left.LAST)
    folders = tuple(path for path in found.folders if path != "lock")
    if files or found.trees or folders:
        yield _remove("profile", "remove the profile's files", facts.files.folder, files, found.trees, folders)


def _in_profile(wanted: Wanted, facts: Facts) -> left.Sorted:
    files, folders = (
        [of.path for of in managed(wanted.settings) if (of.kind == "folder") == is_folder and of.path != "."]
        for is_folder in (False, True)
    )
    return left.sort(facts.left.entries, (*left.FILES, *files), left.TREES, (*left.FOLDERS, *folders))


def _environment(wanted: Wanted, facts: Facts) -> Iterator[Change]:
    """Unless another profile uses it."""
    found = _beside(facts)
    if found.files or found.trees or found.folders:
        what, base = "remove the environment that nbfab made", facts.files.base
        yield _remove("install", what, base, found.files, found.trees, found.folders, detail=f"{base}/.venv")


def _beside(facts: Facts) -> left.Sorted:
    """What is beside the profiles, but for the record."""
    inside = (Entry(kind, f".venv/{path}") for kind, path in facts.left.environment)
    entries = [entry for entry in (*facts.left.beside, *inside) if not entry.path.startswith(".made")]
    if facts.left.users:
        of_ours = (".venv", ".cache", ".python")
        return left.Sorted(others=tuple(path for _, path in entries if path.split("/")[0] not in of_ours))
    files = [f".venv/{name}" for name in left.ENVIRONMENT_FILES]
    trees = [*left.BESIDE, *(f".venv/{name}" for name in left.ENVIRONMENT_TREES)]
    return left.sort(entries, files, trees)


def _lingering(wanted: Wanted, facts: Facts) -> Iterator[Change]:
    if wanted.linger_off and (user := lingering(facts)) and not facts.left.profiles:
        yield Change(
            step="server",
            kind="turn lingering off",
            what="turn lingering off",
            detail=f"for {user}",
            args={"user": user},
        )


def lingering(facts: Facts) -> str:
    """The user whose lingering nbfab has turned on on this host, and that is on; empty if there is none."""
    user = facts.left.lingers
    return user if any(who == user and host in facts.host.names for who, host in facts.left.made.lingering) else ""


def _rest(wanted: Wanted, facts: Facts) -> Iterator[Change]:
    """The folder of the profile, with what tells of it, and those above that nbfab has made."""
    found, there = _in_profile(wanted, facts), facts.files.state == "folder"
    files = [path for path in found.files if path in left.LAST]
    goes = there and not found.others
    if files or goes:
        folder, folders = facts.files.folder, ("lock", ".") if goes else ("lock",)
        # The lock is that of this very run.
        files = [path for path in left.LAST if goes or path in files or path.startswith("lock/")]
        what = "remove the profile's folder" if goes else "remove the profile's last files"
        yield _remove("profile", what, folder, files, (), folders)
    base = facts.files.base
    if any(path.startswith(".local/") for path in _in_home(facts).folders):
        return  # what that leaves empty is seen once it is gone
    stays = facts.left.profiles or facts.left.base_is_link or _beside(facts).others or (there and not goes)
    if not stays and facts.files.nearest in (base, facts.files.folder):
        above = tuple(takewhile(lambda place: place in facts.left.made.folders, facts.left.alone))
        files = [path for _, path in facts.left.beside if path.startswith(".made")]
        what = "remove the folders that nbfab made above it" if above else "remove the folder above it"
        yield _remove("profile", what, base, files, (), (".",), above)


PARTS: tuple[Part, ...] = (
    _traces,
    _at_boot,
    _server,
    _relays,
    _members,
    _session,
    _orphans,
    _sockets,
    _profile,
    _environment,
    _lingering,
    _rest,
)
"""What there is to remove, in order: whatever nbfab comes to put on a host has its part here."""


def _remove(
    step: str,
    what: str,
    root: str,
    files: Iterable[str] = (),
    trees: Iterable[str] = (),
    folders: Iterable[str] = (),
    above: Iterable[str] = (),
    *,
    detail: str = "",
) -> Change:
    return Change(
        step=step,
        kind="remove",
        what=what,
        detail=detail or ", ".join([root, *above]),
        args={
            "root": root,
            "files": _lines(files),
            "trees": _lines(trees),
            "folders": _lines(folders),
            "above": _lines(above),
        },
    )


def _lines(paths: Iterable[str]) -> str:
    return "".join(f"{path}\n" for path in paths)


def live(facts: Facts) -> tuple[str, ...]:
    """What the removal would end, beside the server, in words."""
    windows = _windows(facts)
    orphans = (f"a kernel that has outlived its server (process {pid})" for pid, _ in facts.left.orphans)
    members = (f"the {each.role} of its cluster" for each in facts.cluster.runs)
    return (*facts.server.live, *orphans, *members, *([f"{windows} of its tmux session"] if windows else []))


def _windows(facts: Facts) -> str:
    """The windows of the profile's tmux session that are not the server's, in words."""
    more = _panes(facts) - {facts.server.started.runner if facts.server.started else ""}
    return f"{len(more)} more {'window' if len(more) == 1 else 'windows'}" if more else ""


def _panes(facts: Facts) -> set[str]:
    return {*facts.left.panes, *facts.server.session_pids}


def notes(wanted: Wanted, facts: Facts) -> Iterator[str]:
    """What stays on the host, and why."""
    files, base = facts.files, facts.files.base
    if others := _in_profile(wanted, facts).others:
        yield f"not nbfab's, so this stays in {files.folder}: {_some(others)}"
    if others := _beside(facts).others:
        yield f"not nbfab's, so this stays in {base}: {_some(others)}"
    if own := [path for path in _in_home(facts).others if any(path.startswith(f"{of}/") for of in left.TRACES)]:
        yield f"later than the first setup, and not nbfab's, so this stays in the home folder: {_some(own)}"
    if facts.left.profiles:
        yield f"other profiles stay: {_some(facts.left.profiles)}"
    if facts.left.users and any(path == ".venv" for _, path in facts.left.beside):
        yield f"the environment {base}/.venv stays, since a profile uses it: {_some(facts.left.users)}"
    if facts.left.base_is_link:
        yield f"{base} stays: it is a link, which nbfab did not make"
    if user := lingering(facts):
        if facts.left.profiles:
            yield f"lingering, which nbfab turned on for {user}, stays on: the other profiles' servers need it"
        elif not wanted.linger_off:
            kept = f"lingering, which nbfab turned on for {user}, stays on; --linger-off turns it off, too, or later"
            yield Note(kept, there(f"loginctl disable-linger {shlex.quote(user)}"))
    elif wanted.linger_off:
        yield "lingering stays as it is: nbfab has not turned it on here"
    if files.state == "folder" and base not in facts.left.made.folders and not facts.left.profiles:
        yield from _unrecorded(facts)


def _unrecorded(facts: Facts) -> Iterator[str]:
    """What an earlier release, which kept no record, may have made."""
    empty = facts.left.alone if not _beside(facts).others else ()
    if places := [*empty, *(f"~/{path}" for path in facts.left.others)]:
        yield f"nbfab has no record of whether it made these, so they stay: {', '.join(places)}"


def _some(paths: Iterable[str]) -> str:
    every = tuple(paths)
    more = f" and {len(every) - MOST} more" if len(every) > MOST else ""
    return ", ".join(every[:MOST]) + more
