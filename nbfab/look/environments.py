"""The environments on the host that may be able to serve the notebook."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from nbfab.look.fact import fact, items, line, message, one_of, path, record, text, word, yes
from nbfab.records import dataclass

_PACKAGES = re.compile(r"/python([0-9]{1,3}\.[0-9]{1,3})/site-packages/")


class Environment(NamedTuple):
    """A Python on the host and what it has of the notebook.

    `source` is how it was found: asked, made, login, here; or it is the one that the profile has had, kept for the same
    question or from before, for another app or other packages. `packages` maps names to versions. `pip` is whether it
    has that. `version` is the Python's; in an answer that an earlier release has recorded, as far as the folder of its
    packages has it in its name, or empty.
    """

    source: str
    python: str
    packages: Mapping[str, str]
    pip: bool = True
    version: str = ""

    @property
    def is_the_systems(self) -> bool:
        """Whether its packages are those of the host's package manager, which pip may not touch (PEP 668)."""
        return self.python.startswith(("/usr/bin/", "/bin/"))


def _found(value: Any) -> tuple[Environment, ...]:
    found = record(value)
    source = one_of("asked", "made", "login", "here", "kept", "before")(found.get("source"))
    packages = {word(name): word(version) for name, version in record(found.get("packages")).items()}
    # An answer that an earlier release has recorded does not tell of pip.
    has_pip = found.get("pip") is not False
    folders = filter(None, (_PACKAGES.search(text(file)) for file in items(found.get("files", []))))
    version = word(found.get("version", "")) or next((folder[1] for folder in folders), "")
    return (Environment(source, path(found.get("python")), packages, has_pip, version),)


class Named(NamedTuple):
    """What has the name that `--python` gives: conda, venv, pipx, uv, pyenv, or just a folder in the home."""

    kind: str
    folder: str


def _named(value: Any) -> tuple[Named, ...]:
    kind, _, folder = line(value).partition(" ")
    return (Named(one_of("conda", "venv", "pipx", "uv", "pyenv", "folder")(kind), path(folder)),)


def each_name(value: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line(name) for name in items(text(value).split("\n")) if name))


@dataclass(frozen=True, kw_only=True)
class EnvironmentFacts:
    """The environments that were `found`, best first, and what there is to make a new one with.

    `remembered` is whether an earlier look found them and that still holds. If one was sought by its name, `named` are
    those of that name, and `names` all others, if there is none; one that is `unsought` has a name that was not known
    here, but to the profile. `venv` is the version of a `python3` that
    can make environments, and `uv_python` of the Python that uv takes, if that was asked for and there is one;
    `python_fails` and `venv_fails` are the host's own error messages.
    """

    found: tuple[Environment, ...] = fact(_found, default=())
    remembered: bool = fact(yes, default=False)
    named: tuple[Named, ...] = fact(_named, default=())
    names: tuple[str, ...] = fact(each_name, default=())
    unsought: bool = fact(yes, default=False)
    python_fails: str = fact(message, default="")
    uv: str = fact(line, default="")
    uv_python: str = fact(word, default="")
    python3: str = fact(line, default="")
    venv: str = fact(line, default="")
    venv_fails: str = fact(message, default="")
