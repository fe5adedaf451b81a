"""The environments that are to be in the menu of kernels, and all others, where those are asked for."""

from typing import Any, NamedTuple

from nbfab.look.environments import each_name
from nbfab.look.fact import fact, line, one_of, path, text, word, yes
from nbfab.records import dataclass

KINDS = ("conda", "venv", "pipx", "uv", "pyenv", "folder", "system", "nbfab")


class Place(NamedTuple):
    """An environment, and what its files tell of it: versions, which are empty where there is no such thing.

    `given` is the name or the path that it was looked for by. `pip` is whether it has that, and `activates` whether
    conda would set more variables in it than the usual ones.
    """

    given: str
    kind: str
    name: str
    folder: str
    python: str
    version: str = ""
    ipykernel: str = ""
    notebook: str = ""
    pip: bool = False
    activates: bool = False


def _places(value: Any) -> tuple[Place, ...]:
    parts = [line(part) for part in text(value).split("\n")]
    if len(parts) != len(Place._fields):
        raise ValueError(f"an environment of {len(parts)} lines")
    given, kind, name, folder, python, version, ipykernel, notebook, pip, activates = parts
    place = Place(given, one_of(*KINDS)(kind), name, path(folder), path(python), word(version), word(ipykernel))
    return (place._replace(notebook=word(notebook), pip=pip == "yes", activates=activates == "yes"),)


def _missing(value: Any) -> tuple[tuple[str, str], ...]:
    given, _, why = text(value).partition("\n")
    return ((line(given), line(why)),)


@dataclass(frozen=True, kw_only=True)
class KernelFacts:
    """The environments that were `found` for the kernels that are wanted: several, if a name is not one's alone.

    What is `missing` comes with the reason, if it is a path; `names` are those that there are. One that is `unsought`
    has a name that was not known here, but to the profile. `bash`, `conda` (or what is like it) and `uv` are where
    those programs are. `every` environment is only looked for where that is asked for.
    """

    found: tuple[Place, ...] = fact(_places, default=())
    missing: tuple[tuple[str, str], ...] = fact(_missing, default=())
    names: tuple[str, ...] = fact(each_name, default=())
    unsought: bool = fact(yes, default=False)
    bash: str = fact(line, default="")
    conda: str = fact(line, default="")
    uv: str = fact(line, default="")
    every: tuple[Place, ...] = fact(_places, default=())
