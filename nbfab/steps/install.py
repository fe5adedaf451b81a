"""Step 0: an environment that has the notebook, found or made."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from nbfab.change import Change
from nbfab.errors import HostError
from nbfab.facts import Environment, Facts
from nbfab.remote import source
from nbfab.wanted import Wanted

PACKAGES = {"notebook": "notebook>=7", "lab": "jupyterlab>=4"}
_SOURCES = {
    "asked": "as --python says",
    "made": "made by nbfab",
    "login": "found as jupyter of a login shell",
    "here": "the one that nbfab runs in",
}


class Chosen(NamedTuple):
    """The environment to use: its interpreter, the module to run, and whether that is notebook 6 ("classic")."""

    python: str
    module: str
    classic: bool
    environment: Environment | None
    """None where it has to be made."""


def _at_least(version: str, *wanted: int) -> bool:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2]) >= wanted


def module(environment: Environment, app: str) -> tuple[str, bool] | None:
    """What to run of `environment` to serve `app`, and whether it is notebook 6; None if nothing there fits.

    Asked for the notebook, one that has only JupyterLab will do.
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
    """The environment to use: the first that has what was asked for, else the first that fits, else a new one."""
    app = wanted.settings.app
    fitting = [(environment, found) for environment in facts.environments if (found := module(environment, app))]
    exact = [(environment, found) for environment, found in fitting if found[0] == _module_of(app)]
    for environment, (name, classic) in [*exact, *fitting]:
        return Chosen(environment.python, name, classic, environment)
    return Chosen(f"{facts.data}/.venv/bin/python", _module_of(app), False, None)


def _module_of(app: str) -> str:
    return "jupyterlab" if app == "lab" else "notebook"


def install(wanted: Wanted, facts: Facts) -> Iterator[Change]:
    """An environment is made where none fits, and what was found is remembered, so that the next look is quick.

    Raises HostError if --python names one that does not fit, or if the host lacks what making one takes.
    """
    chosen = choose(wanted, facts)
    app, python = wanted.settings.app, wanted.settings.python
    remember = (app, python, source("environment.py"))
    if chosen.environment:
        if not facts.remembered:
            how = f"{_SOURCES[chosen.environment.source]}: {describe(chosen)}"
            args = (*remember, chosen.environment.source, chosen.python)
            yield Change("install", f"use the environment {how}", "remember_environment", args)
        return
    if python:
        if facts.python_fails or not facts.environments:
            mend = "name an environment or an interpreter that is there, or leave --python out: one is found, or made"
            raise HostError(f"--python {python} cannot be used: {facts.python_fails}", mend)
        reason = "it has no notebook >= 6.4 and no JupyterLab on jupyter_server 2"
        mend = f"{facts.environments[0].python} -m pip install notebook matplotlib"
        raise HostError(f"--python {python} cannot be used: {reason}", mend)
    tool = _tool(facts)
    args = (*remember, PACKAGES[app], "matplotlib")
    yield Change(
        "install", f"make {facts.data}/.venv with {app} and matplotlib, by {tool}", "install_environment", args
    )


def describe(chosen: Chosen) -> str:
    """The environment in a line: its interpreter, and what is served from it in which version."""
    if chosen.environment is None:
        return chosen.python
    return f"{chosen.python} ({chosen.module} {chosen.environment.packages[chosen.module]})"


def notes(wanted: Wanted, facts: Facts) -> Iterator[str]:
    """What a person should know of the environment that is used."""
    chosen = choose(wanted, facts)
    if chosen.environment is None:
        return
    if chosen.module != _module_of(wanted.settings.app):
        yield f"{chosen.python} has no {wanted.settings.app}, so {chosen.module} is served"
    if "matplotlib" not in chosen.environment.packages:
        mend = f"{chosen.python} -m pip install matplotlib, or name another environment with --python"
        yield f"{chosen.python} has no matplotlib, so nothing is plotted inline: {mend}"


def _tool(facts: Facts) -> str:
    if facts.uv:
        return "uv"
    if not facts.python3:
        raise HostError(
            "there is no python3 and no uv, so no environment can be made", how_to_install(facts, "python3")
        )
    if not _at_least(facts.venv, 3, 9) or not re.fullmatch(r"\d+\.\d+", facts.venv):
        reason = f"it is Python {facts.venv}" if re.fullmatch(r"\d+\.\d+", facts.venv) else facts.venv
        raise HostError(
            f"{facts.python3} cannot make an environment for the notebook: {reason}", how_to_install(facts, "venv")
        )
    return "python3 -m venv"


_INSTALLERS = {
    "debian": ("apt-get install", {"python3": "python3 python3-venv", "venv": "python3-venv"}),
    "ubuntu": ("apt-get install", {"python3": "python3 python3-venv", "venv": "python3-venv"}),
    "fedora": ("dnf install", {"venv": "python3"}),
    "rhel": ("dnf install", {"python3": "python3.11", "venv": "python3.11"}),
    "centos": ("dnf install", {"python3": "python3.11", "venv": "python3.11"}),
    "suse": ("zypper install", {"venv": "python3"}),
    "arch": ("pacman -S", {"python3": "python", "venv": "python"}),
    "alpine": ("apk add", {"python3": "python3", "venv": "python3"}),
    "Darwin": ("brew install", {"python3": "python", "venv": "python"}),
}


def how_to_install(facts: Facts, what: str) -> str:
    """The command that installs `what` (python3, venv or tmux) on that system, or a sentence where it is not known."""
    for system in facts.system.split():
        if system in _INSTALLERS:
            command, packages = _INSTALLERS[system]
            root = "" if facts.uid == "0" or system == "Darwin" else "sudo "
            return f"{root}{command} {packages.get(what, what)}"
    return f"install {what} on the host with its package manager"
