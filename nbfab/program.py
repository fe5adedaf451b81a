"""Programs for a host's sh, made from the .sh files of this package. Pure: `nbfab.host` runs them."""

import re
import secrets
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import field
from functools import cache
from typing import Any

from nbfab.records import dataclass

_COMMENT = re.compile(r"^\s*#.*\n|^\t+", re.MULTILINE)

Record = Mapping[str, Any]


@cache
def source(name: str) -> str:
    """The text of a file of this package, such as `look/look.sh`."""
    from importlib import resources  # not by a module that every `--list` imports

    return (resources.files("nbfab") / name).read_text(encoding="utf-8")


@cache
def functions(*files: str) -> str:
    """The functions of .sh files, named as `look/look`, without comments and indentation."""
    return "".join(_COMMENT.sub("", source(f"{file}.sh")) for file in files)


def call(function: str, *args: str, **named: str) -> str:
    """Lines of sh that call `function`. Whatever a value holds, it stays a value.

    Named arguments are the variables that the function declares to use. They are unset first: if the host's environment
    has a variable of that name, it is exported, and so would be a secret that is assigned to it.
    """
    variables = [f"{name}={shlex.quote(value)}" for name, value in named.items()]
    lines = [f"unset -v {' '.join(named)}", *variables] if named else []
    return "\n".join([*lines, shlex.join((function, *args))]) + "\n"


@dataclass(frozen=True)
class Program:
    """A program for the standard input of `/bin/sh`, and the two lines between which its output is."""

    text: str = field(repr=False)
    begin: str
    end: str


def render(files: Iterable[str], calls: Iterable[str], *, fed: bool = False) -> Program:
    """One program of the functions in `files`, and of `calls` in their order. It starts in the folder /.

    All of it is one function that the last line calls: cut short, it is a syntax error that runs nothing, and no
    command can read the rest of it; one that is `fed` reads what follows it, and no shell gets to see that. What the
    host prints before `begin` is its own noise.
    """
    mark = secrets.token_hex(8)
    begin, end = f"nbfab-begins-{mark}", f"nbfab-ends-{mark}"
    # In /, so that no Python started here imports a file of the current folder.
    body = [functions(*files), "exec 3>&1\n", "mask=$(umask)\n", "umask 077\n", "cd /\n"]
    body += [call("printf", "%s\\n", begin), *calls, call("printf", "\\n%s\\n", end)]
    return Program(
        "nbfab() {\n" + "".join(body) + f"}}\n{{ nbfab{'; exit' if fed else ' </dev/null'}; }}\n", begin, end
    )
