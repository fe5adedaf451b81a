"""Files that say which packages a project wants, in forms that pip and uv do not read, and what makes one of them."""

import shlex

from nbfab.errors import UsageError
from nbfab.fix import Command, Fix, again, task, there
from nbfab.requirements.place import Place
from nbfab.requirements.pyproject import EXPORTED

_THEN = again("--requirements=requirements.txt")
_COMMANDS: dict[str, Fix] = {
    "Pipfile": ("Pipenv writes one", Command("pipenv requirements > requirements.txt"), _THEN),
    "Pipfile.lock": ("Pipenv writes one", Command("pipenv requirements > requirements.txt"), _THEN),
    "pdm.lock": ("PDM writes one", Command("pdm export -f requirements -o requirements.txt"), _THEN),
    "poetry.lock": EXPORTED,
    "setup.py": ("uv writes one", Command("uv pip compile setup.py -o requirements.txt"), _THEN),
    "setup.cfg": ("uv writes one", Command("uv pip compile setup.cfg -o requirements.txt"), _THEN),
}
KINDS = "requirements.txt, pyproject.toml, pylock.toml or uv.lock"


def refused(name: str, text: str) -> UsageError:
    """Why a file of that name is not taken, and what to do."""
    place = Place(name)
    if name.endswith((".yml", ".yaml")):
        return _conda(name, text) if "dependencies:" in text else place.error("it names no packages", _wanted())
    if fix := _COMMANDS.get(name):
        return place.error("pip and uv do not read such a file", *fix)
    return place.error("its name does not say what kind of file it is", _wanted())


def _wanted() -> str:
    return f"name a {KINDS}; other names of the first kind end in .txt or .in"


def _conda(name: str, text: str) -> UsageError:
    """That conda has to make it, and how its environment becomes a kernel."""
    lines = (line.removeprefix("name:").strip(" \t\"'") for line in text.splitlines() if line.startswith("name:"))
    called = next(lines, "")
    called = (
        called if called.replace("-", "").replace("_", "").replace(".", "").isalnum() and called.isascii() else "NAME"
    )
    return Place(name).error(
        "only conda makes an environment of it",
        "copy the file to the host, and have conda make it there; it needs the package ipykernel",
        there(f"conda env create -f {shlex.quote(name)}"),
        "then have it in the kernel menu",
        task("setup", f"--kernel={called}"),
    )
