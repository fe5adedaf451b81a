"""The step `install`: an environment that has the notebook, found or made."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from nbfab.errors import HostError, NbfabError, Refused
from nbfab.fix import Fix, Note, again, task, there
from nbfab.look.envs import normal
from nbfab.plan import packages
from nbfab.plan.asked import FILE, asked, is_kernels, is_servers
from nbfab.plan.change import Change
from nbfab.plan.environment import (
    KEEPERS,
    Chosen,
    admits,
    at_least,
    choose,
    fitting,
    lacking,
    module_of,
    own_python,
)
from nbfab.plan.files import Managed
from nbfab.plan.step import Step
from nbfab.settings import NEW, is_path, package_name

if TYPE_CHECKING:
    from nbfab.look.environments import Environment
    from nbfab.look.facts import Facts
    from nbfab.wanted import Wanted

UV = "curl -LsSf https://astral.sh/uv/install.sh | sh"
PACKAGES = {"notebook": "notebook>=7", "lab": "jupyterlab>=4"}
SENT = "uv, which is sent from here"
_SOURCES = {
    "asked": "that --python names",
    "made": "that nbfab made",
    "login": "of the login shell's jupyter",
    "here": "that nbfab runs in",
    "kept": "that the profile has had",
    "before": "that the profile has had",
}


def plan(wanted: Wanted, facts: Facts) -> Iterator[Change]:
    """The environment of the server, and beside it that of the profile's kernel, if packages were asked for.

    Raises as `_server` does.
    """
    yield from _server(wanted, facts)
    yield from packages.plan(wanted, facts)


def _server(wanted: Wanted, facts: Facts) -> Iterator[Change]:
    """An environment is made if none fits; one that was found is recorded, so that the next look is quick.

    Raises HostError if --python names one that does not fit, or if the host lacks what is needed to make one; Refused
    if packages are asked for where they are not nbfab's to install.
    """
    chosen, has = choose(wanted, facts), facts.environments
    python = wanted.settings.python
    if chosen.environment is None and python not in ("", NEW):
        raise _unusable(wanted, facts)
    own = chosen.python == own_python(facts)
    lacks = tuple(lacking(wanted, facts, chosen))
    if wanted.settings.keep_output and not own:
        raise _keeps_nothing(wanted, chosen)
    typed = [package for package in lacks if package in wanted.settings.packages and not is_kernels(package)]
    if typed and not own and "packages" not in wanted.kept:
        raise _not_ours(chosen, facts, tuple(typed))
    if chosen.environment and not (own and lacks):
        if not has.remembered:
            source = chosen.environment.source
            yield Change(
                step="install",
                kind="use environment",
                what=f"use the environment {_SOURCES[source]}",
                detail=f"({describe(chosen)})",
                args={
                    "app": wanted.settings.app,
                    "python": python,
                    "packages": " ".join(asked(wanted, facts).servers),
                    "source": source,
                    "interpreter": chosen.python,
                },
            )
        return
    yield _make(wanted, facts, chosen, lacks)


def _make(wanted: Wanted, facts: Facts, chosen: Chosen, lacks: tuple[str, ...]) -> Change:
    """The change that makes the environment, or adds packages to it."""
    app, has = wanted.settings.app, facts.environments
    tool = _tool(wanted, facts) if not (chosen.environment and has.remembered) else ""
    if wanted.settings.keep_output:
        _check_python(facts, chosen)
    if chosen.environment:
        what = f"add {', '.join(lacks)} to the environment that nbfab made"
        detail = ""
    else:
        what = f"make an environment with {_listed(app, 'matplotlib', *lacks)}"
        detail = f"in {facts.files.base}/.venv, by {tool}"
    keepers = KEEPERS if wanted.settings.keep_output else ()
    reason = note = ""
    if not wanted.settings.python and not chosen.environment and (others := fitting(wanted, facts)):
        reason = f"{others[0].python} has no matplotlib"
        note = Note(f"to serve {describe(others[0])} all the same", task("setup", f"--python={others[0].python}"))
    return Change(
        step="install",
        kind="make environment",
        what=what,
        detail=detail,
        reason=reason,
        note=note,
        args={
            "app": app,
            "python": wanted.settings.python,
            "packages": " ".join(asked(wanted, facts).servers),
            "requirements": " ".join((PACKAGES[app], "matplotlib", "pip", *keepers)),
            "keeps": "yes" if keepers else "",
            "wheels": "",
            "sent_uv": "",
            "least": "3.10" if keepers else "3.9",
        },
        needs_restart=bool(wanted.renewed),
    )


def _check_python(facts: Facts, chosen: Chosen) -> None:
    """Raises HostError if Python is too old for what keeps output: that of the environment, or what would make one."""
    has = facts.environments
    python, version = has.python3, "" if has.uv else has.venv
    if chosen.environment:
        python, version = chosen.python, chosen.environment.version
    if version and not at_least(version, 3, 10):
        do_without = ("do without", task("setup", "--no-keep-output"))
        by_uv = () if chosen.environment else ("or have uv, which fetches a newer one", there(UV))
        raise HostError(f"what keeps output takes Python 3.10, and {python} is {version}", *do_without, *by_uv)


def _listed(*names: str) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def falls_back(wanted: Wanted, facts: Facts) -> Chosen | None:
    """What serves where an environment was to be made for the sake of plots, and that cannot be done; None if nothing.

    Not if one that nbfab makes was asked for.
    """
    given = () if "packages" in wanted.kept else wanted.settings.packages
    if wanted.as_found or wanted.settings.python or any(map(is_servers, given)) or wanted.settings.keep_output:
        return None
    found = choose(replace(wanted, as_found=True), facts)
    return found if found.environment else None


def check(wanted: Wanted, facts: Facts) -> None:
    """Raises HostError if there is no environment to start a server with."""
    if choose(wanted, facts).environment is None:
        if wanted.settings.python not in ("", NEW):
            raise _unusable(wanted, facts)
        raise HostError("there is no environment with the notebook to start it with", task("install"))


def _unusable(wanted: Wanted, facts: Facts) -> NbfabError:
    python, has = wanted.settings.python, facts.environments
    kept = "python" in wanted.kept
    what = f"the python {python} that was chosen" if kept else f"--python {python}"
    other = "or leave --python out: one is found, or made"
    reset = ("have one found, or made; or name one that exists", task("setup", "--reset=python"))
    if len(has.named) > 1:
        several = ", ".join(f"{of.folder} ({of.kind})" for of in has.named)
        paths = (again(f"--python={of.folder}") for of in has.named)
        return Refused(f"{what} could be any of {several}", "choose one of them", *paths)
    if not is_path(python) and not (has.named or has.python_fails or has.found):
        known = f"there are {', '.join(has.names)}" if has.names else "there are none that have a name"
        fix = (f"--python takes one of those, or a path, which has a / or ~ in it, {other}",)
        return HostError(f"{what} cannot be used: no environment has that name; {known}", *(reset if kept else fix))
    if has.python_fails or not has.found:
        fix = (f"name an environment or an interpreter that exists, {other}",)
        return HostError(f"{what} cannot be used: {has.python_fails}", *(reset if kept else fix))
    reason = "it has no notebook >= 6.4 and no JupyterLab on jupyter_server 2"
    add = how_to_add(has.found[0], facts, "notebook", "matplotlib")
    return HostError(f"{what} cannot be used: {reason}", *add, other)


def _not_ours(chosen: Chosen, facts: Facts, lacks: tuple[str, ...]) -> Refused:
    """Why packages are not installed into an environment that nbfab has not made."""
    assert chosen.environment
    own = "nbfab adds packages only to an environment that it has made"
    what = f"--with {lacks[0]}: that is for the server, and {own}, and not to {chosen.python}"
    return Refused(what, task("setup", f"--python={NEW}", *(f"--with={package}" for package in lacks)))


def _keeps_nothing(wanted: Wanted, chosen: Chosen) -> Refused:
    """Why no output is kept in an environment that nbfab has not made."""
    what = f"nbfab installs what that takes only into an environment that it has made, and not into {chosen.python}"
    if "keep_output" in wanted.kept:
        python = wanted.settings.python or chosen.python
        fix = ("to have that one, which keeps none", task("setup", f"--python={python}", "--no-keep-output"))
        return Refused(f"the keep_output that was chosen: {what}", *fix)
    return Refused(f"--keep-output: {what}", task("setup", f"--python={NEW}", "--keep-output"))


def describe(chosen: Chosen) -> str:
    """The environment in a line: its interpreter, and the app and version that it serves."""
    if chosen.environment is None:
        return chosen.python
    return f"{chosen.python}: {chosen.module} {chosen.environment.packages[chosen.module]}"


def standing(wanted: Wanted, facts: Facts) -> Iterator[str]:
    """What the environment lacks."""
    chosen = choose(wanted, facts)
    if chosen.environment is None:
        return
    if chosen.module != module_of(wanted.settings.app):
        yield f"{chosen.python} has no {wanted.settings.app}, so {chosen.module} is served"
    yield from packages.standing(wanted, facts)
    yield from _left_alone(wanted, facts, chosen)
    lacks = [package for package in lacking(wanted, facts, chosen) if chosen.python != own_python(facts)]
    if lacks:
        add = how_to_add(chosen.environment, facts, *lacks)
        verb = "is" if len(lacks) == 1 else "are"
        yield Note(f"{', '.join(lacks)} {verb} for the server, whose {chosen.python} nbfab has not made", *add)
    if "matplotlib" not in chosen.environment.packages and not packages.target(wanted, facts):
        add = how_to_add(chosen.environment, facts, "matplotlib")
        made = ("or have one made", task("setup", f"--python={NEW}"))
        yield Note(f"{chosen.python} has no matplotlib, so nothing is plotted inline", *add, *made)


def _left_alone(wanted: Wanted, facts: Facts, chosen: Chosen) -> Iterator[str]:
    """The versions of the server itself that a requirements file names, and that it does not have."""
    assert chosen.environment
    ask, has = asked(wanted, facts), {normal(name): of for name, of in chosen.environment.packages.items()}
    typed = {normal(package_name(package)) for package in ask.packages}
    others = [
        (package, name)
        for package in ask.pinned
        if (name := normal(package_name(package))) in has and name not in typed and not admits(package, has[name])
    ]
    if not others:
        return
    what = ", ".join(f"{package} (the server has {has[name]})" for package, name in others)
    note = f"{ask.source} names {what}: a file changes no version of the server itself"
    least = {normal(name): int(number) for name, _, number in (of.partition(">=") for of in PACKAGES.values())}
    can = all(
        at_least(version, least.get(name, 2)) for package, name in others for version in [package.partition("==")[2]]
    )
    if can and chosen.python == own_python(facts):
        yield Note(note, "to have that", task("setup", *(f"--with={package}" for package, _ in others)))
    else:
        yield note


def _tool(wanted: Wanted, facts: Facts) -> str:
    has = facts.environments
    if has.uv:
        return "uv"
    if takes_uv(facts):
        return SENT
    if error := no_tool(wanted, facts):
        raise error
    return "python3 -m venv"


def takes_uv(facts: Facts) -> bool:
    """Whether the host has a Python, and nothing that makes an environment with it: uv is sent."""
    has = facts.environments
    return bool(has.python3 and not has.uv and not has.venv and has.venv_fails)


def no_tool(wanted: Wanted, facts: Facts) -> HostError | None:
    """Why the host by itself cannot make an environment, if it cannot."""
    has = facts.environments
    more = () if facts.host.tmux or wanted.foreground else ("tmux",)
    also = "; there is no tmux either" if more else ""
    if not has.python3:
        why = f"there is no python3 and no uv to make an environment with{also}"
        return HostError(why, *how_to_install(facts, "python3", *more))
    if not has.venv or not at_least(has.venv, 3, 9):
        reason = f"it is Python {has.venv}" if has.venv else has.venv_fails
        why = f"{has.python3} cannot make an environment for the notebook: {reason}{also}"
        return HostError(why, *how_to_install(facts, "venv", *more))
    return None


_DEBIAN = {
    "python3": "python3 python3-venv",
    "venv": "python3-venv",
    "notebook": "jupyter-notebook",
    "matplotlib": "python3-matplotlib",
    "ipykernel": "python3-ipykernel",
}
_RPM = {"notebook": "python3-notebook", "matplotlib": "python3-matplotlib", "ipykernel": "python3-ipykernel"}
_INSTALLERS = {
    "debian": ("apt-get install", _DEBIAN),
    "ubuntu": ("apt-get install", _DEBIAN),
    "fedora": ("dnf install", {"venv": "python3", **_RPM}),
    "rhel": ("dnf install", {"python3": "python3.11", "venv": "python3.11", **_RPM}),
    "centos": ("dnf install", {"python3": "python3.11", "venv": "python3.11", **_RPM}),
    "suse": ("zypper install", {"venv": "python3", **_RPM}),
    "arch": (
        "pacman -S",
        {
            "python3": "python",
            "venv": "python",
            "notebook": "jupyter-notebook",
            "matplotlib": "python-matplotlib",
            "ipykernel": "python-ipykernel",
        },
    ),
    "alpine": (
        "apk add",
        {
            "venv": "python3",
            "notebook": "jupyter-notebook",
            "matplotlib": "py3-matplotlib",
            "ipykernel": "py3-ipykernel",
        },
    ),
    "Darwin": ("brew install", {"python3": "python", "venv": "python"}),
}


def how_to_add(environment: Environment, facts: Facts, *packages: str) -> Fix:
    """The command that adds packages to an environment: the system's package manager adds to the system's own."""
    if environment.is_the_systems:
        return how_to_install(facts, *packages)
    python = shlex.quote(environment.python)
    pip = f"{python} -m pip install {' '.join(packages)}"
    return (there(pip if environment.pip else f"{python} -m ensurepip && {pip}"),)


def how_to_install(facts: Facts, *what: str) -> Fix:
    """The command that installs `what` (python3, venv, tmux, bash, notebook, ...) on the host.

    Words if its system is not known.
    """
    for system in facts.host.system.split():
        if system in _INSTALLERS:
            command, packages = _INSTALLERS[system]
            root = "" if facts.host.is_root or system == "Darwin" else "sudo "
            return (there(f"{root}{command} {' '.join(packages.get(name, name) for name in what)}"),)
    return (f"install {' and '.join(what)} on the host with its package manager",)


STEP = Step(
    "install",
    "Find an environment that has the notebook, or make one.",
    plan,
    files=lambda settings: (Managed(FILE),),
    standing=standing,
    options=("python", "app", "packages", "requirements", "keep_output"),
    flags=("exact", "list"),
)
