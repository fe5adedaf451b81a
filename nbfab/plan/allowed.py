"""Allowed: whether the Python of the kernel's environment is one that the project in a requirements file is for."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from nbfab.errors import HostError
from nbfab.fix import Command, Task, again, task, there
from nbfab.plan.environment import choose, fitting

if TYPE_CHECKING:
    from nbfab.look.facts import Facts
    from nbfab.plan.asked import Asked
    from nbfab.wanted import Wanted

_MADE = "~/nbfab-python"  # an environment of the user's own


def check(wanted: Wanted, facts: Facts, ask: Asked) -> None:
    """Raises HostError unless the environment gets such a Python, as far as it is known which one that is."""
    version, has = _version(wanted, facts), facts.environments
    if _allows(ask.python, version):
        return
    chosen = choose(wanted, facts)
    where = chosen.python if chosen.environment else has.python3 if not has.uv else "the one that uv finds there"
    found = (of.environment for of in fitting(wanted, facts) if of.environment and of.environment.version)
    other = next((of for of in found if _allows(ask.python, of.version)), None)
    fix: tuple[str | Command | Task, ...]
    if other:
        fix = ("there is another environment, with such a Python", again(f"--python={other.python}"))
    elif has.uv:
        uv = f"uv venv --python {shlex.quote(ask.python)} {_MADE}"
        uv += f" && uv pip install --python {_MADE} notebook matplotlib pip"
        fix = ("have uv make an environment with such a Python; then name that", there(uv), again(f"--python={_MADE}"))
    else:
        words = "name an environment that has the notebook and such a Python; these are there"
        fix = (words, task("install", "--list"), again("--python=ENVIRONMENT"))
    raise HostError(f"{ask.source} is for Python {ask.python}, and the notebooks would get {version} ({where})", *fix)


def _version(wanted: Wanted, facts: Facts) -> str:
    """The version of Python that the environment gets, which is the server's; empty if that is not known."""
    chosen, has = choose(wanted, facts), facts.environments
    if chosen.environment:
        return chosen.environment.version or (wanted.resolution.python if wanted.resolution else "")
    return has.uv_python if has.uv else has.venv


def _allows(spec: str, version: str) -> bool:
    """Whether those versions (`>=3.11`) include that one; they do as long as either is not known."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import InvalidVersion

    try:
        return not (spec and version) or SpecifierSet(spec).contains(version, prereleases=True)
    except (InvalidSpecifier, InvalidVersion):  # of a record that someone has changed
        return True
