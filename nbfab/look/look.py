"""Look: gets every fact of a host, with one program."""

import sys
from collections.abc import Iterable

from nbfab.host import Host, run
from nbfab.look.facts import Facts, parse
from nbfab.look.files import GENERATION
from nbfab.look.request import Request
from nbfab.program import call, render, source
from nbfab.settings import NEW, is_path, written

_NOUNS = ("process", "choices", "host", "files", "environments", "port", "tmux", "logind", "server")
FILES = tuple(f"look/{name}" for name in ("json", *_NOUNS, "look"))
_NEEDED = ("port", "directory", "python", "app", "packages")  # options that facts depend on
SILENCE = 60  # seconds without output


def look(host: Host, request: Request) -> Facts:
    """The facts of the host. Raises HostError or ConnectError."""
    program = render((*FILES, *more_files(request)), look_calls(host, request))
    return parse(run(host, program, lambda _: None, SILENCE, "looking", whole=2 * SILENCE))


def more_files(request: Request) -> tuple[str, ...]:
    """The files that a look takes beside FILES: what is seldom used does not travel at every look."""
    named, left = ("look/search",), ("look/left",)
    return (*(named if _by_name(request) else ()), *(left if request.left else ()))


def _by_name(request: Request) -> bool:
    python = request.settings.python
    return python not in ("", NEW) and not is_path(python)


def look_calls(host: Host, request: Request) -> list[str]:
    """The calls that look, for a program that has the functions of FILES, and of more_files."""
    if (left := request.left) is None:
        return [look_call(host, request)]
    more = call(
        "look_left",
        places=" ".join(left.places),
        trees=" ".join(left.trees),
        records=" ".join(left.records),
        traces=" ".join(left.traces),
    )
    return [look_call(host, request), more]


def look_call(host: Host, request: Request) -> str:
    """The call that looks, for a program that has the functions of FILES and `more_files`."""
    settings = request.settings
    return call(
        "look",
        profile=settings.profile,
        offered=_lines(request, (option for option in _NEEDED if option not in request.firm)),
        demanded=_lines(request, (option for option in _NEEDED if option in request.firm)),
        forgotten=" ".join(request.forgotten),
        here=sys.executable if host.local else "",
        paths=_listed(request.paths, GENERATION),
        texts=_listed(request.texts, GENERATION),
        certificate=request.certificate,
        module=request.module,
        searches="yes" if _by_name(request) else "",
        environment_probe=source("look/environment_probe.py"),
        server_probe=source("look/server_probe.py"),
    )


def _lines(request: Request, options: Iterable[str]) -> str:
    marks = {"packages": "+"} if request.adds else {}
    values = ((option, written(getattr(request.settings, option))) for option in options)
    return "".join(f"{option} {marks.get(option, '-')} {value}\n" for option, value in values)


def _listed(paths: Iterable[str], *more: str) -> str:
    return " ".join((*paths, *more))
