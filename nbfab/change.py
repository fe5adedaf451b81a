"""Change: one thing to be done on the host; and how changes and questions become one program for sh."""

import re
import secrets
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

from nbfab.remote import source


@dataclass(frozen=True)
class Change:
    """One thing to be done on the host, by a function of `nbfab/remote`.

    `step` is the step of the how-to that asks for it and `summary` what it does and why, in a line. `function` is
    called with `args`; they may be secret, so they are not shown. `diff` helps a reader where there is an old text.
    `needs_restart` marks what a running server takes up only when it is started anew.
    """

    step: str
    summary: str
    function: str
    args: tuple[str, ...] = field(default=(), repr=False)
    diff: str = ""
    needs_restart: bool = False


def write(step: str, summary: str, path: str, text: str, *, diff: str = "", needs_restart: bool = False) -> Change:
    """A change that writes `text` to `path`, relative to the profile's folder, whole and readable by its owner only."""
    size = str(len(text.encode("utf-8", "surrogateescape")))
    return Change(step, summary, "write_file", (path, "600", size, text), diff, needs_restart)


_COMMENT = re.compile(r"^\s*#.*\n|^\t+", re.MULTILINE)


@cache
def functions(*names: str) -> str:
    """The functions of those files of `nbfab/remote`, without comments and indentation."""
    return "".join(_COMMENT.sub("", source(f"{name}.sh")) for name in names)


def call(function: str, *args: str) -> str:
    """A line of sh that calls `function`; what a value holds is never more than a value."""
    return shlex.join((function, *args)) + "\n"


@dataclass(frozen=True)
class Program:
    """A program for `/bin/sh -s`, and the two lines that its output stands between."""

    text: str = field(repr=False)
    begin: str
    end: str


def render(files: Iterable[str], calls: Iterable[str]) -> Program:
    """One program of the functions in `files`, and of `calls` in their order.

    All of it is one function that the last line calls: cut short it is a syntax error that runs nothing, and
    no command can read the rest of it. What the host prints before `begin` is its own noise.
    """
    mark = secrets.token_hex(8)
    begin, end = f"nbfab-begins-{mark}", f"nbfab-ends-{mark}"
    body = [functions(*files), "exec 3>&1\n", "mask=$(umask)\n", "umask 077\n"]
    body += [call("printf", "%s\\n", begin), *calls, call("printf", "\\n%s\\n", end)]
    return Program("nbfab() {\n" + "".join(body) + "}\n{ nbfab </dev/null; }\n", begin, end)
