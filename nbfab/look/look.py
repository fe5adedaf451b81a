"""Look: gets every fact of a host, with one program."""

import sys
from collections.abc import Iterable

from nbfab.host import Host, run
from nbfab.look.cluster import ClusterFacts
from nbfab.look.facts import Facts, parse, parse_cluster
from nbfab.look.files import GENERATION
from nbfab.look.request import Request
from nbfab.program import call, render, source
from nbfab.settings import NEW, is_path, lines

_NOUNS = (
    *("process", "choices", "host", "files", "environments", "envs", "kernels"),
    *("port", "tmux", "logind", "server", "at_boot"),
)
FILES = tuple(f"look/{name}" for name in ("json", *_NOUNS, "look"))
_NEEDED = ("port", "directory", "python", "app", "packages", "kernels", "at_boot")  # options that facts depend on
DOCTOR = tuple(f"look/{name}" for name in ("shell", "home", "interpreter", "listening", "limits", "stale"))
SILENCE = 60  # seconds without output


def look(host: Host, request: Request) -> Facts:
    """The facts of the host. Raises HostError or ConnectError."""
    program = render((*FILES, *more_files(request)), look_calls(host, request))
    return parse(run(host, program, lambda _: None, SILENCE, "looking", whole=2 * SILENCE))


def more_files(request: Request) -> tuple[str, ...]:
    """The files that a look takes beside FILES: what is seldom used does not travel at every look."""
    wanted = {
        "look/search": _by_name(request) or request.environments,
        "look/relay": bool(request.relay),
        "look/cluster": request.members,
        "look/left": request.left is not None or request.doctor or request.around,
        **dict.fromkeys(DOCTOR, request.doctor),
        "look/around": request.around,
        "look/others": request.around or request.others,
    }
    return tuple(file for file, is_wanted in wanted.items() if is_wanted)


def _by_name(request: Request) -> bool:
    python, kernels = request.settings.python, request.settings.kernels
    return any(name and not is_path(name) for name in (*kernels, "" if python == NEW else python))


def look_calls(host: Host, request: Request) -> list[str]:
    """The calls that look, for a program that has the functions of FILES, and of more_files."""
    calls = [call("look_shell")] if request.doctor else []
    calls.append(look_call(host, request))
    if request.environments:
        calls.append(call("look_every"))
    if request.relay:
        calls.append(call("look_relay", relay=request.relay))
    if request.members:
        calls.append(_cluster_call(request.kernel))
    if left := request.left:
        places, trees, records, traces = map(" ".join, (left.places, left.trees, left.records, left.traces))
        calls.append(call("look_left", places=places, trees=trees, records=records, traces=traces))
    if request.around:
        calls.append(call("look_around", around_probe=source("look/around_probe.py")))
    if request.others:
        probe = source("look/others_probe.py")
        calls.append(call("look_others", at=str(request.at or ""), others_probe=probe))
    if request.doctor:
        calls += [call("look_home"), call("look_interpreter", interpreter_probe=source("look/interpreter_probe.py"))]
        calls += [call("look_listening"), call("look_limits"), call("look_stale"), call("print_facts")]
    return calls


def look_cluster(host: Host, profile: str, python: str, server: str) -> ClusterFacts:
    """The members of a cluster that run on the host, and what that `python` of its has, and its
    `server`'s. Raises HostError."""
    calls = [call("find_profile", profile=profile), _cluster_call("", python, server)]
    program = render(("look/json", "look/look", "look/process", "look/tmux", "look/cluster"), calls)
    return parse_cluster(run(host, program, lambda _: None, SILENCE, "looking", whole=2 * SILENCE))


def _cluster_call(kernel: str, python: str = "", server: str = "") -> str:
    return call(
        "look_cluster",
        cluster_kernel=kernel,
        cluster_python=python,
        cluster_server=server or python,
        cluster_probe=source("look/cluster_probe.py") if kernel or python else "",
    )


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
        certificates=_listed((request.certificate, *request.clients)),
        modules=" ".join(request.modules),
        removing="yes" if request.left else "",
        searches="yes" if _by_name(request) else "",
        releases="yes" if request.releases else "",
        usage="usage" if request.kernels else "",
        environment_probe=source("look/environment_probe.py"),
        server_probe=source("look/server_probe.py") if request.server else "",
    )


def _lines(request: Request, options: Iterable[str]) -> str:
    values = ((option, value) for option in options for value in lines(option, getattr(request.settings, option)))
    return "".join(f"{option} {'+' if option in request.adds else '-'} {value}\n" for option, value in values)


def _listed(paths: Iterable[str], *more: str) -> str:
    return " ".join((*paths, *more))
