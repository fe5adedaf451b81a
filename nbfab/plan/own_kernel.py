"""The kernel of one of the user's own environments: how it is started, and what it is called."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from nbfab.plan.kernelspec import env_of, kernelspec, literal
from nbfab.settings import is_path

if TYPE_CHECKING:
    from nbfab.look.facts import Facts
    from nbfab.look.kernels import Place
    from nbfab.wanted import Wanted


def spec_of(wanted: Wanted, facts: Facts, place: Place, menu: Collection[str]) -> dict[str, Any]:
    """Its specification; `menu` are the names and paths of all that are in the menu."""
    env = env_of(place.folder)
    wrapper = _activation(facts) if place.kind == "conda" else ()
    if place.kind == "conda":
        env |= _conda(place)
    elif place.kind != "system":
        env |= {"VIRTUAL_ENV": literal(place.folder)}
    settings, title = wanted.settings, _title(place, menu)
    return kernelspec(place.python, settings.profile, title, debugger=settings.debugger, env=env, wrapper=wrapper)


def _conda(place: Place) -> dict[str, str]:
    """The variables that conda sets in each environment."""
    # One that is in none of conda's folders has a path for a name there.
    has_name = place.name == "base" or place.folder.endswith(f"/envs/{place.name}")
    name = literal(place.name if has_name else place.folder)
    env = {"CONDA_PREFIX": literal(place.folder), "CONDA_DEFAULT_ENV": name, "CONDA_SHLVL": "1"}
    return env | {"CONDA_PROMPT_MODIFIER": f"({name}) "}


def _activation(facts: Facts) -> tuple[str, ...]:
    """The words that run an interpreter in an activated environment of conda's; none without bash."""
    from nbfab.program import functions

    if not facts.kernels.bash:
        return ()
    script = functions("plan/activate") + 'activate_conda "$1"\nexec "$@"\n'
    return facts.kernels.bash, "-c", script, "nbfab"


def _title(place: Place, menu: Collection[str]) -> str:
    """What people see in the menu: the version of Python and a name, with the folder if two have that name."""
    version = ".".join(place.version.split(".")[:2]) or "3"
    name = label(place.given)
    alike = [label(given) for given in menu].count(name) > 1
    return f"Python {version} ({name}{f': {place.folder}' if alike else ''})"


def label(given: str) -> str:
    """What people call an environment that is given so: its name, or its folder, or the project it belongs to."""
    if not is_path(given):
        return given
    parts = [part for part in given.split("/") if part]
    if len(parts) > 2 and parts[-2] == "bin" and parts[-3] not in ("usr", "local"):
        parts = parts[:-2]
    if len(parts) > 1 and parts[-1] in (".venv", "venv", "env"):
        parts = parts[:-1]
    return parts[-1] if parts else given
