"""Left: everything that nbfab, and what it runs, puts into a profile's folder and beside it, so that all of it can go.

What is new there has its line here. In a pattern, `*` is any part of a name, and `**` one folder or more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from nbfab.records import dataclass

if TYPE_CHECKING:
    from nbfab.look.left import Entry

# Files, beside those that steps manage.
FILES = (
    # nbfab's own, and tmux's
    *("ran", "environment", "generation", "lock/holder", "started", "server.log", "server.log.1", "server.log.2"),
    *("ended", "boot", "stopping", "environ", "login"),
    *("tmux", "socket", "tmux.out", "environ.new", "answer.new.*", "failed", "reply"),
    # the module's
    *("nbfab_server/*.py", "known.json", "known.json.new", "idled", "ipc", "runtime/kernel-*-ipc-*", "runtime/try-*"),
    # the relay's
    *("nbfab_relay/*.py", "relay", "relay.sh", "relay-*"),
    # the cluster's
    *(
        "cluster/nbfab_*.py",
        "cluster/*.started",
        "cluster/*.down",
        "cluster/*.log",
        "cluster/*.log.1",
        "cluster/*.log.2",
    ),
    # Jupyter's
    *("runtime/jpserver-*.json", "runtime/jpserver-*-open.html", "runtime/jupyter_cookie_secret"),
    *("runtime/nbserver-*.json", "runtime/nbserver-*-open.html", "runtime/notebook_cookie_secret"),
    *("runtime/kernel-*.json", "jupyter/migrated", "jupyter/notebook_secret", "jupyter/nbsignatures.db*"),
    # that of what keeps output
    *("jupyter/file_id_manager.db*", "jupyter/documents.db*", "jupyter/collaboration_sessions.json*"),
    *("jupyter/lab/user-settings/**/*.jupyterlab-settings", "jupyter/lab/workspaces/*.jupyterlab-workspace"),
    *("jupyter/labconfig/*.json", "jupyter/nbconfig/*.json", "jupyter/nbconfig/**/*.json"),
    "jupyter/serverconfig/*.json",
    # kernels of environments that are no longer there
    *("share/jupyter/kernels/nbfab.*/kernel.json", "share/jupyter/kernels/nbfab.*/environment"),
    # IPython's, of every profile that a kernel uses
    *("ipython/README", "ipython/profile_*/history.sqlite*", "ipython/profile_*/history-corrupt-*.sqlite"),
    *("ipython/profile_*/startup/README", "ipython/profile_*/log/*.log", "ipython/profile_*/pid/*.pid"),
    "ipython/profile_*/security/*.json",
)
# Folders that go with all that is in them: names in there are made up by programs.
TREES = ("ipython/profile_*/cache", "ipython/profile_*/db", "envs/*", "cluster/tmp")
# Folders that a program makes and may leave empty, beside those of the files.
FOLDERS = ("runtime", "ipython/extensions", "ipython/nbextensions")
# These go last, since they tell of the rest: a run that is cut can be repeated. The first one grows as the server ends.
LAST = ("ran", "choices", "environment", "generation", "lock/holder")
# Files of the profile that name a socket in a folder of its own, and the sockets that are there.
SOCKETS = {"socket": ("tmux",), "ipc": ("kernel-*-ipc-*", "try-*"), "relay": ("relay-*",)}
# Made by mktemp, and by Python's tempfile; only if they are private.
SOCKET_FOLDERS = ("/var/tmp/nbfab.??????", "/var/tmp/nbfab.????????")  # noqa: S108
# Beside the profiles: trees, and in the environment what pip, uv and venv make there.
BESIDE = (".cache", ".python")
ENVIRONMENT_TREES = ("bin", "etc", "include", "kept", "lib", "lib64", "man", "share")
ENVIRONMENT_FILES = (".gitignore", ".lock", "CACHEDIR.TAG", "complete", "lib64", "pyvenv.cfg")
# In the home folder: where servers of earlier releases left something.
TRACES = (
    *(".cache/matplotlib", ".config/matplotlib", ".npm", ".local/share/jupyter", ".cache/uv", ".cache/pip"),
    *(".local/share/uv", ".cache/jedi"),
)
_SUM = "[0-9a-f]" * 64
TRACE_FILES = (
    *(".cache/matplotlib/fontlist-v*.json", ".npm/_logs/*-debug-0.log"),
    *(f".cache/jedi/CPython-*/{_SUM}-{_SUM}.pkl", ".cache/jedi/PARSO-CACHE-LOCK"),
)
# Of these it is recorded at the first setup which do not exist: such a folder goes if it is empty in the end.
RECORDED = (".cache", ".config", *TRACES, ".npm/_logs", ".jupyter", ".ipython")


@dataclass(frozen=True)
class Sorted:
    """What is in a folder: `files`, `trees` and `folders` of nbfab's, the deepest first, and `others`, which stay."""

    files: tuple[str, ...] = ()
    trees: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


def sort(
    entries: Iterable[Entry], files: Iterable[str], trees: Iterable[str] = (), folders: Iterable[str] = ()
) -> Sorted:
    """Sorts entries by patterns; a link is a file, also in the place of a folder.

    A folder in which something stays is left out.
    """
    files, trees = tuple(files), tuple(trees)
    folders = {*folders, *(place for pattern in (*files, *trees, *folders) for place in above(pattern))}
    gone: list[str] = []
    whole: list[str] = []
    ours: list[str] = []
    others: list[str] = []
    for kind, path in entries:
        if kind == "d":
            place = whole if _fits(path, trees) else ours if _fits(path, folders) else others
        else:
            known = _fits(_written(path), files) or (kind == "l" and _fits(path, (*trees, *folders)))
            place = gone if known else others
        place.append(path)
    staying = {*others}
    busy = {place for path in others for place in above(path)}
    empty = sorted((path for path in ours if path not in busy), key=lambda path: -path.count("/"))
    outermost = [path for path in others if not staying.intersection(above(path))]
    return Sorted(tuple(gone), tuple(whole), tuple(empty), tuple(outermost))


def places(managed: Iterable[str]) -> tuple[str, ...]:
    """The folders in a profile's where something may be, with those of the paths that steps manage."""
    tops = {path.split("/")[0] for path in (*FILES, *TREES, *managed) if "/" in path}
    return tuple(sorted({*tops, *(path.split("/")[0] for path in FOLDERS)}))


def above(path: str) -> list[str]:
    """The folders that a path is in, the outermost first."""
    parts = path.split("/")[:-1]
    return ["/".join(parts[: count + 1]) for count in range(len(parts))]


def _written(path: str) -> str:
    """The file that was being written when a run was cut."""
    stem, new, number = path.rpartition(".new.")
    return stem if new and number.isascii() and number.isdigit() else path


def _fits(path: str, patterns: Iterable[str]) -> bool:
    parts = path.split("/")
    return any(_matches(parts, pattern.split("/")) for pattern in patterns)


def _matches(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    if not parts or not pattern:
        return not parts and not pattern
    if pattern[0] == "**":
        return any(_matches(parts[count:], pattern[1:]) for count in range(1, len(parts) + 1))
    return fnmatchcase(parts[0], pattern[0]) and _matches(parts[1:], pattern[1:])
