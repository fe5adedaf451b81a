"""The step `install`: an environment that has the notebook, found or made."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from nbfab.errors import HostError
from nbfab.plan.change import Change
from nbfab.plan.step import Step

if TYPE_CHECKING:
    from nbfab.look.environments import Environment
    from nbfab.look.facts import Facts
    from nbfab.wanted import Wanted

PACKAGES = {"notebook": "notebook>=7", "lab": "jupyterlab>=4"}
_SOURCES = {
    "asked": "that --python names",
    "made": "that nbfab made",
    "login": "of the login shell's jupyter",
    "here": "that nbfab runs in",
}


class Chosen(NamedTuple):
    """The environment to use: its interpreter, the module to run, and whether that is notebook 6 ("classic").

    The `environment` is None if it has yet to be made.
    """

    python: str
    module: str
    classic: bool
    environment: Environment | None


def _at_least(version: str, *wanted: int) -> bool:
    return tuple(int(part) for part in re.findall(r"[0-9]{1,9}", version)[:2]) >= wanted


def module(environment: Environment, app: str) -> tuple[str, bool] | None:
    """The module that serves `app` in `environment`, and whether it is notebook 6; None if nothing there can.

    For the notebook, JupyterLab alone will do.
    """
    has = environment.packages
    if "ipykernel" not in has:
        return None
    modern = _at_least(has.get("jupyter_server", "0"), 2)
    if app == "notebook" and modern and _at_least(has.get("notebook", "0"), 7):
        return "notebook", False
    if app == "notebook" and _at_least(has.get("notebook", "0"), 6, 4) and not _at_least(has["notebook"], 7):
        return "notebook", True
    if modern and _at_least(has.get("jupyterlab", "0"), 3):
        return "jupyterlab", False
    return None


def choose(wanted: Wanted, facts: Facts) -> Chosen:
    """The environment to use: the first that has the app, else the first that can serve, else a new one."""
    app = wanted.settings.app
    fitting = [(environment, found) for environment in facts.environments.found if (found := module(environment, app))]
    exact = [(environment, found) for environment, found in fitting if found[0] == _module_of(app)]
    for environment, (name, classic) in [*exact, *fitting]:
        return Chosen(environment.python, name, classic, environment)
    return Chosen(f"{facts.files.base}/.venv/bin/python", _module_of(app), False, None)


def _module_of(app: str) -> str:
    return "jupyterlab" if app == "lab" else "notebook"


def plan(wanted: Wanted, facts: Facts) -> Iterator[Change]:
    """An environment is made if none fits; one that was found is recorded, so that the next look is quick.

    Raises HostError if --python names one that does not fit, or if the host lacks what is needed to make one.
    """
    chosen, has = choose(wanted, facts), facts.environments
    app, python = wanted.settings.app, wanted.settings.python
    if chosen.environment:
        if not has.remembered:
            source = chosen.environment.source
            yield Change(
                step="install",
                kind="use environment",
                what=f"use the environment {_SOURCES[source]}",
                detail=f"({describe(chosen)})",
                args={"app": app, "python": python, "source": source, "interpreter": chosen.python},
            )
        return
    if python:
        raise _unusable(wanted, facts)
    tool = _tool(wanted, facts)
    yield Change(
        step="install",
        kind="make environment",
        what=f"make an environment with {app} and matplotlib",
        detail=f"in {facts.files.base}/.venv, by {tool}",
        args={"app": app, "python": python, "packages": f"{PACKAGES[app]} matplotlib"},
    )


def check(wanted: Wanted, facts: Facts) -> None:
    """Raises HostError if there is no environment to start a server with."""
    if choose(wanted, facts).environment is None:
        if wanted.settings.python:
            raise _unusable(wanted, facts)
        raise HostError("there is no environment with the notebook to start it with", "make one: setup, or install")


def _unusable(wanted: Wanted, facts: Facts) -> HostError:
    python, has = wanted.settings.python, facts.environments
    what = f"the python {python} that was chosen" if "python" in wanted.kept else f"--python {python}"
    if has.python_fails or not has.found:
        fix = "name an environment or an interpreter that exists, or leave --python out: one is found, or made"
        if "python" in wanted.kept:
            fix = "setup --reset python, and one is found, or made; or --python with one that exists"
        return HostError(f"{what} cannot be used: {has.python_fails}", fix)
    reason = "it has no notebook >= 6.4 and no JupyterLab on jupyter_server 2"
    add = how_to_add(has.found[0], facts, "notebook", "matplotlib")
    return HostError(f"{what} cannot be used: {reason}", f"{add}, or leave --python out: one is found, or made")


def describe(chosen: Chosen) -> str:
    """The environment in a line: its interpreter, and the app and version that it serves."""
    if chosen.environment is None:
        return chosen.python
    return f"{chosen.python}: {chosen.module} {chosen.environment.packages[chosen.module]}"


def notes(wanted: Wanted, facts: Facts) -> Iterator[str]:
    """What the environment lacks."""
    chosen = choose(wanted, facts)
    if chosen.environment is None:
        return
    if chosen.module != _module_of(wanted.settings.app):
        yield f"{chosen.python} has no {wanted.settings.app}, so {chosen.module} is served"
    if "matplotlib" not in chosen.environment.packages:
        add = how_to_add(chosen.environment, facts, "matplotlib")
        fix = f"{add}, or name another environment with --python"
        yield f"{chosen.python} has no matplotlib, so nothing is plotted inline: {fix}"


def _tool(wanted: Wanted, facts: Facts) -> str:
    has = facts.environments
    if has.uv:
        return "uv"
    more = () if facts.host.tmux or wanted.foreground else ("tmux",)
    also = "; there is no tmux either" if more else ""
    if not has.python3:
        why = f"there is no python3 and no uv to make an environment with{also}"
        raise HostError(why, how_to_install(facts, "python3", *more))
    if not has.venv or not _at_least(has.venv, 3, 9):
        reason = f"it is Python {has.venv}" if has.venv else has.venv_fails
        why = f"{has.python3} cannot make an environment for the notebook: {reason}{also}"
        raise HostError(why, how_to_install(facts, "venv", *more))
    return "python3 -m venv"


_DEBIAN = {
    "python3": "python3 python3-venv",
    "venv": "python3-venv",
    "notebook": "jupyter-notebook",
    "matplotlib": "python3-matplotlib",
}
_RPM = {"notebook": "python3-notebook", "matplotlib": "python3-matplotlib"}
_INSTALLERS = {
    "debian": ("apt-get install", _DEBIAN),
    "ubuntu": ("apt-get install", _DEBIAN),
    "fedora": ("dnf install", {"venv": "python3", **_RPM}),
    "rhel": ("dnf install", {"python3": "python3.11", "venv": "python3.11", **_RPM}),
    "centos": ("dnf install", {"python3": "python3.11", "venv": "python3.11", **_RPM}),
    "suse": ("zypper install", {"venv": "python3", **_RPM}),
    "arch": (
        "pacman -S",
        {"python3": "python", "venv": "python", "notebook": "jupyter-notebook", "matplotlib": "python-matplotlib"},
    ),
    "alpine": ("apk add", {"venv": "python3", "notebook": "jupyter-notebook", "matplotlib": "py3-matplotlib"}),
    "Darwin": ("brew install", {"python3": "python", "venv": "python"}),
}


def how_to_add(environment: Environment, facts: Facts, *packages: str) -> str:
    """The command that adds packages to an environment: the system's package manager adds to the system's own."""
    if environment.is_the_systems:
        return how_to_install(facts, *packages)
    python = shlex.quote(environment.python)
    pip = f"{python} -m pip install {' '.join(packages)}"
    return pip if environment.pip else f"{python} -m ensurepip && {pip}"


def how_to_install(facts: Facts, *what: str) -> str:
    """The command that installs `what` (python3, venv, tmux, notebook, matplotlib) on the host.

    A sentence if its system is not known.
    """
    for system in facts.host.system.split():
        if system in _INSTALLERS:
            command, packages = _INSTALLERS[system]
            root = "" if facts.host.is_root or system == "Darwin" else "sudo "
            return f"{root}{command} {' '.join(packages.get(name, name) for name in what)}"
    return f"install {' and '.join(what)} on the host with its package manager"


STEP = Step(
    "install", "Find an environment that has the notebook, or make one.", plan, notes=notes, options=("python", "app")
)
