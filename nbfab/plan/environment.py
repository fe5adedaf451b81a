"""The environment that serves the notebook: which of those that were found, or one that nbfab makes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from nbfab.look.envs import normal
from nbfab.plan.asked import ITSELF, asked, had
from nbfab.settings import NEW, is_path, package_name

if TYPE_CHECKING:
    from nbfab.look.environments import Environment
    from nbfab.look.facts import Facts
    from nbfab.wanted import Wanted


# What keeps output: cells run in the server, on a document that the server has. Of later ones, nothing is known here.
KEEPERS = ("jupyter-server-nbmodel[lab]>=0.2.9,<0.3", "jupyter-server-ydoc>=3.0.4,<4")


class Chosen(NamedTuple):
    """The environment to use: its interpreter, the module to run, and whether that is notebook 6 ("classic").

    The `environment` is None if it has yet to be made.
    """

    python: str
    module: str
    classic: bool
    environment: Environment | None


def at_least(version: str, *wanted: int) -> bool:
    """Whether a version is that one or a later one."""
    return tuple(int(part) for part in re.findall(r"[0-9]{1,9}", version)[:2]) >= wanted


def module(environment: Environment, app: str) -> tuple[str, bool] | None:
    """The module that serves `app` in `environment`, and whether it is notebook 6; None if nothing there can.

    For the notebook, JupyterLab alone will do.
    """
    has = environment.packages
    if "ipykernel" not in has:
        return None
    modern = at_least(has.get("jupyter_server", "0"), 2)
    if app == "notebook" and modern and at_least(has.get("notebook", "0"), 7):
        return "notebook", False
    if app == "notebook" and at_least(has.get("notebook", "0"), 6, 4) and not at_least(has["notebook"], 7):
        return "notebook", True
    if modern and at_least(has.get("jupyterlab", "0"), 3):
        return "jupyterlab", False
    return None


def module_of(app: str) -> str:
    """The module that is the app, and not only one that will do."""
    return "jupyterlab" if app == "lab" else "notebook"


def choose(wanted: Wanted, facts: Facts) -> Chosen:
    """The environment to use: the one that was chosen, or that the profile has; else the best that was found.

    That is the first one with matplotlib; best of all, with the app. One without gives way to a new one, if one can be
    made: a plot is what people come for.
    """
    has, python = facts.environments, wanted.settings.python
    new = Chosen(own_python(facts), module_of(wanted.settings.app), False, None)
    usable = fitting(wanted, facts)
    if python == NEW:
        return next((of for of in usable if of[:2] == new[:2] and _is_whole(of)), new)
    best = min(usable, key=lambda of: _rank(of, new.module), default=None)
    if best is None:
        return new
    stays = python or has.remembered or wanted.as_found or _rank(best, new.module) < _WITHOUT_PLOTS
    return best if stays or not can_make(facts) else new


def fitting(wanted: Wanted, facts: Facts) -> list[Chosen]:
    """The environments that were found and can serve."""
    app = wanted.settings.app
    return [Chosen(of.python, *found, of) for of in facts.environments.found if (found := module(of, app))]


_WITHOUT_PLOTS = 4


def _rank(chosen: Chosen, app: str) -> int:
    """How well an environment does; 0 is best."""
    assert chosen.environment
    exact, plots = chosen.module == app, "matplotlib" in chosen.environment.packages
    ranks = (
        chosen.environment.source == "kept",
        chosen.environment.source == "before" and exact,
        plots and exact,
        plots,
        exact,
    )
    return (*ranks, True).index(True)


def _is_whole(chosen: Chosen) -> bool:
    """Whether the environment that nbfab has made has all that it gives to a new one."""
    assert chosen.environment
    return "matplotlib" in chosen.environment.packages and chosen.environment.pip


def can_make(facts: Facts) -> bool:
    """Whether the host has what it takes to make an environment."""
    has = facts.environments
    return bool(has.uv or (has.python3 and has.venv and at_least(has.venv, 3, 9)))


def own_python(facts: Facts) -> str:
    """The interpreter of the environment that nbfab makes."""
    return f"{facts.files.base}/.venv/bin/python"


def lacking(wanted: Wanted, facts: Facts, chosen: Chosen) -> Iterator[str]:
    """The packages that the server is to have, and that are not in its environment.

    The versions of extensions are pip's to judge: that it has done so is what the profile's records say.
    """
    has = {normal(name): of for name, of in chosen.environment.packages.items()} if chosen.environment else {}
    recorded = facts.choices.made.options.get("packages")
    judged = {*(recorded.value if recorded else ()), *had(facts).asked.servers}
    for package in asked(wanted, facts).servers:
        name = package_name(package)
        if normal(name) in ITSELF and normal(name) in has:
            if not admits(package, has[normal(name)]):
                yield package
        elif normal(name) not in has or not (package == name or package in judged):
            yield package
    if wanted.settings.keep_output:
        yield from (package for package in KEEPERS if normal(package_name(package)) not in has)


def admits(package: str, version: str) -> bool:
    """Whether a version is one that a requirement allows."""
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.version import InvalidVersion

    try:
        return Requirement(package).specifier.contains(version, prereleases=True)
    except (InvalidRequirement, InvalidVersion):
        return True


def renewed(wanted: Wanted, facts: Facts) -> tuple[str, ...]:
    """Other versions of the server itself that its environment is to get: it is restarted for them."""
    chosen = choose(wanted, facts)
    if not chosen.environment or chosen.python != own_python(facts):
        return ()
    has = {normal(name) for name in chosen.environment.packages}
    lacks = ((normal(package_name(package)), package) for package in lacking(wanted, facts, chosen))
    return tuple(package for name, package in lacks if name in ITSELF and name in has)


def keeps_output(wanted: Wanted, facts: Facts) -> bool:
    """Whether the server is to keep what cells print; only in the environment that nbfab makes."""
    return wanted.settings.keep_output and choose(wanted, facts).python == own_python(facts)


def label(wanted: Wanted, facts: Facts) -> str:
    """What people call the environment: its name as it was chosen, or its folder, or the project that it belongs to."""
    python, named = choose(wanted, facts).python, wanted.settings.python
    if python == own_python(facts):
        return "nbfab's own"
    if named and not is_path(named):
        return named
    path = PurePosixPath(python)
    if python.startswith(("/usr/", "/bin/")) or len(path.parts) < 4:
        return python
    folder = path.parents[1]
    return folder.parent.name if folder.name in (".venv", "venv", "env") and folder.parent.name else folder.name
