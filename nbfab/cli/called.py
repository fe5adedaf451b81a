"""How nbfab was called, for the command lines that people are told to type: they work where this one did."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

from nbfab.fix import Task

HERE = ("ca", "trust")  # the tasks of this machine alone
PROGRAMS = ("inv", "invoke", "fab", "nbfab")
# Options of the programs themselves, which stand before a task, and whether they take a value.
_CORE = {
    "-c": True,
    "--collection": True,
    "-r": True,
    "--search-root": True,
    "-f": True,
    "--config": True,
    "-i": True,
    "--identity": True,
    "-t": True,
    "--connect-timeout": True,
    "--prompt-for-login-password": False,
    "--prompt-for-passphrase": False,
}
_CONFIG = {"-S": True, "--ssh-config": True}  # which a command line has by itself, like the hosts
_HOSTS = {"-H": True, "--hosts": True}
_INVENTORY = {"--inventory": True}


def called() -> tuple[str, ...]:
    """The program as it was called, with its own options: `uv run inv`, `sh bootstrap.sh fab`, `.venv/bin/nbfab`."""
    return (*program(), *(_chosen(sys.argv[1:], _CORE) if _program() else ()))


def program() -> tuple[str, ...]:
    """The program as it was called, without any options."""
    return _program() or ("nbfab",)


def typed(task: Task, running: str) -> str:
    """The command line for a task, where no more of this call is known than its words; `running` is the task now."""
    if not task.name and _program():
        return shlex.join((*_program(), *without(sys.argv[1:], task.options), *task.options))
    if task.name in HERE:
        return shlex.join((*called(), task.name, *task.options))
    fleet = task.name.startswith("fleet.")
    where = _chosen(sys.argv[1:], _CONFIG if fleet else _CONFIG | _HOSTS)
    listed = without(_chosen(sys.argv[1:], _INVENTORY if fleet else {}), task.options)
    return shlex.join((*called(), *where, task.name or running, *listed, *task.options))


def without(words: Sequence[str], options: Sequence[str]) -> Iterator[str]:
    """The words of a command line without what `options` say anew."""
    anew = {option.partition("=")[0] for option in options if "=" in option}
    switches = {option for option in options if "=" not in option}
    switches |= {f"--{option.removeprefix('--no-')}" for option in switches if option.startswith("--no-")}
    words = list(words)
    while words:
        word = words.pop(0)
        if word in anew:
            del words[:1]
        elif word.partition("=")[0] not in anew and word not in switches:
            yield word


@cache
def _program() -> tuple[str, ...]:
    """The words up to the program; none if this is another one, such as a test's."""
    path = Path(sys.argv[0])
    if path.name == "__main__.py":  # of python -m
        own = tuple(sys.orig_argv[: len(sys.orig_argv) - len(sys.argv) + 1])
    elif path.name in PROGRAMS:
        found = shutil.which(path.name)
        own = (path.name if found and _same(found, sys.argv[0]) else sys.argv[0],)
    else:
        return ()
    return _by_uv() or (*_by_bootstrap(), *own)


def _same(one: str, other: str) -> bool:
    with suppress(OSError):
        return os.path.samefile(one, other)
    return False


def _by_uv() -> tuple[str, ...]:
    """The words of `uv run`, which is the parent of what it runs, up to the program."""
    words, given = _parent(), sys.argv[1:]
    before = words[: len(words) - len(given)]
    if len(before) < 2 or Path(before[0]).name not in ("uv", "uvx") or words[len(before) :] != given:
        return ()
    name = Path(before[0]).name  # a shim of pyenv's has run one by its path
    return (name if shutil.which(name, path=_path_before()) else before[0], *before[1:])


def _path_before() -> str:
    """PATH as it was before `uv run` has put the environment's programs first."""
    own = os.path.join(os.environ.get("VIRTUAL_ENV", ""), "bin")
    return os.pathsep.join(place for place in os.environ.get("PATH", "").split(os.pathsep) if place != own)


def _parent() -> list[str]:
    """The words of the parent's command line."""
    if "UV" not in os.environ and "UV_RUN_RECURSION_DEPTH" not in os.environ:  # both are uv's
        return []
    pid = os.getppid()
    with suppress(OSError):
        return [os.fsdecode(word) for word in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]]
    with suppress(OSError, subprocess.SubprocessError):
        asked = subprocess.run(["ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, timeout=5)
        return asked.stdout.split()
    return []


def _by_bootstrap() -> tuple[str, ...]:
    """The words of bootstrap.sh, which this process was before: it says so in the environment, with the pid."""
    pid, _, rest = os.environ.get("NBFAB_BOOTSTRAP", "").partition(" ")
    if pid != str(os.getpid()):
        return ()
    group, _, path = rest.partition(" ")
    return ("sh", path, *(("--group", group) if group else ()))


def _chosen(words: Sequence[str], options: dict[str, bool]) -> tuple[str, ...]:
    """Those `options` among the words, with their values."""
    chosen: list[str] = []
    for at, word in enumerate(words):
        if word in options:
            chosen += words[at : at + 1 + options[word]]
        elif word.startswith("--") and word.partition("=")[0] in options:
            chosen.append(word)
    return tuple(chosen)
