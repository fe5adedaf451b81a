"""Asked: the packages that a profile's notebooks are to have, and which of them are the server's."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from nbfab.errors import Refused
from nbfab.fix import task
from nbfab.look.envs import normal
from nbfab.settings import package_name

if TYPE_CHECKING:
    from nbfab.look.facts import Facts
    from nbfab.requirements.requirements import Requirements
    from nbfab.wanted import Wanted

PRE = "--pre"  # in a file; uv has another word for it, and takes none there
FILE = "requirements.json"  # in the profile's folder: what was asked for, and what was before
# What the server needs, and no kernel: itself, and its extensions.
_SERVERS = ("notebook", "jupyterlab", "jupyter-server", "nbclassic")
_SERVERS_TOO = frozenset(
    (
        *("jupyter", "jupyter-lsp", "jupyter-resource-usage", "jupyter-collaboration", "jupyter-docprovider"),
        *("jupyter-ai", "nbdime", "jupytext", "nbgitpuller", "notebook-shim"),
    )
)
# Of these, what nbfab itself gives to the server, whose versions no file changes; of the first ones, a look knows them.
ITSELF = ("notebook", "jupyterlab", "jupyter-server")
_GIVEN = frozenset(
    (
        *(*ITSELF, "nbclassic", "jupyter", "jupyter-lsp", "notebook-shim"),
        *("jupyterlab-server", "jupyterlab-pygments", "jupyter-server-terminals"),
    )
)
# What has a part in both: widgets are drawn by an extension of the server.
_BOTH = frozenset(("ipywidgets", "ipympl", "bqplot", "ipyleaflet", "pythreejs", "nglview", "k3d", "plotly"))


class Asked(NamedTuple):
    """What was asked for: the lines of a requirements file, `source`, and the packages of `--with`.

    `python` is the versions that the file is for, as `requirements.Requirements` has it.
    """

    source: str = ""
    lines: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    python: str = ""

    @classmethod
    def by(cls, file: Requirements, packages: tuple[str, ...] = ()) -> Asked:
        """What a file asks for, and `--with`."""
        return cls(file.source, file.lines, file.constraints, packages, file.python)

    @property
    def mark(self) -> str:
        """The file, as the profile's choices name it: its name and a digest of what is in it; empty for none."""
        digest = _digest(sorted(self.lines), sorted(self.constraints), *self._python)
        return f"{self.source}:{digest}" if self.lines else ""

    @property
    def digest(self) -> str:
        """What an environment was made for; what is the server's alone makes no other one."""
        return _digest(sorted(self.kernels), sorted(self.constraints), self.pre, *self._python)

    @property
    def _python(self) -> tuple[str, ...]:
        return (self.python,) if self.python else ()

    @property
    def kernels(self) -> tuple[str, ...]:
        """The requirements of the kernel's environment: without what is the server's alone. Options come first.

        None if nothing else was asked for. A file with hashes counts as a whole: pip takes nothing without one, also if
        another package needs it.
        """
        lines = [line for line in self.lines if is_kernels(line) or (self.hashed and not line.startswith("-"))]
        packages = (*lines, *filter(is_kernels, self.packages))
        options = tuple(line for line in self.lines if line.startswith("-") and line != PRE)
        # A plot is what people come for; a file says itself what it needs.
        return (*options, *packages, *(() if self.lines else ("matplotlib",))) if packages else ()

    @property
    def servers(self) -> tuple[str, ...]:
        """The packages of the server's environment: of a file, extensions by their names alone.

        A file is for the notebooks, and may come from elsewhere; many profiles share that environment.
        """
        found = map(_in_file, filter(is_servers, self.lines))
        typed = filter(is_servers, self.packages)
        return tuple(dict.fromkeys(filter(None, (*found, *typed))))

    @property
    def pinned(self) -> tuple[str, ...]:
        """The versions of the server itself that the file names, which change nothing there."""
        bare = (line.split(" --hash")[0].split(";")[0].replace(" ", "") for line in self.lines)
        return tuple(line for line in bare if normal(package_name(line)) in ITSELF and line != package_name(line))

    @property
    def hashed(self) -> bool:
        """Whether the file has hashes, so that nothing without one is installed from it."""
        return any("--hash" in line for line in self.lines)

    @property
    def pre(self) -> bool:
        """Whether releases before the final one count."""
        return PRE in self.lines

    @property
    def shown(self) -> str:
        """What people call it."""
        listed = ", ".join(filter(is_kernels, self.packages))
        return f"{self.source}{' and ' if listed else ''}{listed}" if self.lines else listed


def _in_file(line: str) -> str:
    """An extension that a file names, without versions, hashes and markers; empty for what the server has anyway."""
    if normal(package_name(line)) in _GIVEN:
        return ""
    if " @ " in line:  # an index may have another package by that name
        return line.split(" --hash")[0].split(" ;")[0].replace(" ", "")
    return re.split(r"[\s<>=!~;]", line, maxsplit=1)[0]


def is_servers(package: str) -> bool:
    """Whether a package is one that the server's environment needs."""
    name = normal(package_name(package))
    return name in _BOTH or _is_its_own(name)


def is_kernels(package: str) -> bool:
    """Whether a package is one that the kernel's environment needs; options are not."""
    name = normal(package_name(package))
    return bool(name) and not _is_its_own(name)


def _is_its_own(name: str) -> bool:
    return name in _SERVERS_TOO or any(name == own or name.startswith(f"{own}-") for own in _SERVERS)


class Had(NamedTuple):
    """What was asked for, and before that, with the environment of then; that is empty if it was the server's.

    In that one, an earlier release has put the packages `within`.
    """

    asked: Asked = Asked()
    before: Asked | None = None
    env_before: str = ""
    within: tuple[str, ...] = ()


def had(facts: Facts) -> Had:
    """What the profile's own record says; nothing if that cannot be read.

    Where there is none yet, its choices say what was asked for: an earlier release kept no record.
    """
    if facts.files.entry(FILE) is None:
        chosen = facts.choices.made.options.get("packages")
        packages = tuple(chosen.value) if chosen else ()
        return Had(Asked(packages=packages), within=packages)
    try:
        document = json.loads(facts.files.text(FILE) or "{}")
        before = document.get("before")
        return Had(
            _asked(document.get("asked") or {}),
            _asked(before) if before is not None else None,
            str(document.get("env_before", "")),
            tuple(map(_line, document.get("within", ()))),
        )
    except (ValueError, TypeError, AttributeError, RecursionError):
        return Had()


def text(had: Had) -> str:
    """The record, as it is written."""
    document: dict[str, Any] = {"asked": had.asked._asdict()}
    if had.before is not None:
        document |= {"before": had.before._asdict(), "env_before": had.env_before}
    if had.within:
        document |= {"within": had.within}
    return json.dumps(document, indent=1) + "\n"


def asked(wanted: Wanted, facts: Facts) -> Asked:
    """What is asked for now. Raises Refused if the profile's requirements are neither here nor there."""
    packages, file = wanted.settings.packages, wanted.requirements
    if file:
        return Asked.by(file, packages)
    mark = wanted.settings.requirements
    if not mark:
        return Asked(packages=packages)
    for one in _known(had(facts)):
        if one.mark == mark:
            return one._replace(packages=packages)
    name = mark.rpartition(":")[0]
    raise Refused(
        f"the profile is to have the packages of {name}, but its record of them, {FILE}, is gone",
        "name the file again with --requirements, or do without",
        task("setup", "--reset=requirements"),
    )


def _known(had: Had) -> Iterator[Asked]:
    yield had.asked
    if had.before:
        yield had.before


def _asked(document: dict[str, Any]) -> Asked:
    lists = {key: tuple(map(_line, document.get(key, ()))) for key in ("lines", "constraints", "packages")}
    return Asked(_line(document.get("source", "")), **lists, python=_line(document.get("python", "")))


def _line(value: Any) -> str:
    if not isinstance(value, str) or not value.isprintable():
        raise ValueError
    return value


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
