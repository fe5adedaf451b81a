"""A project's pyproject.toml: its `[project] dependencies`, as they are declared."""

from packaging.utils import canonicalize_name

from nbfab.errors import UsageError
from nbfab.fix import Command, again
from nbfab.requirements.gathered import Gathered
from nbfab.requirements.lines import check
from nbfab.requirements.one import requirement
from nbfab.requirements.options import INDEX
from nbfab.requirements.place import Place
from nbfab.requirements.requirements import Requirements
from nbfab.requirements.toml import part, python_in, table_in
from nbfab.requirements.urls import check_url

_OWN = ("constraint-dependencies", "override-dependencies", "exclude-dependencies")  # keys of [tool.uv]
COMPILED = (Command("uv pip compile pyproject.toml -o requirements.txt"), again("--requirements=requirements.txt"))
EXPORTED = (
    "Poetry writes one, if it has its plugin for that",
    Command("poetry self add poetry-plugin-export"),
    Command("poetry export -f requirements.txt -o requirements.txt"),
    again("--requirements=requirements.txt"),
)


def parse(text: str, source: str) -> Requirements:
    """The dependencies of a project, without extras and groups. Raises UsageError."""
    table, place = table_in(text, source), Place(source)
    project = part(table, "project")
    if not isinstance(project, dict):
        if part(table, "tool", "poetry"):
            raise place.error("it is Poetry's own, without [project]", *EXPORTED)
        raise place.error("it has no [project], and so no dependencies", "name a file that has some")
    dynamic = part(project, "dynamic")
    if isinstance(dynamic, list) and "dependencies" in dynamic:
        raise place.error("its dependencies are known only once it is built (dynamic)", "this has that done", *COMPILED)
    listed = part(project, "dependencies") or []
    if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
        raise place.error("[project] dependencies is no list of texts", 'write it as ["numpy>=2", "pandas"]')
    gathered = Gathered()
    for each in listed:
        line = each.strip()
        if line.startswith("-"):
            raise place.error("one of its dependencies is an option", "leave that out")
        check(line, place)
        gathered.add(requirement(line, place), place)
    _add_indexes(gathered, part(table, "tool", "uv", "index"), place)
    found = gathered.requirements(source, python_in(part(project, "requires-python"), place))
    _check_sources(found, part(table, "tool", "uv"), place)
    return found


def _add_indexes(gathered: Gathered, indexes: object, place: Place) -> None:
    """The indexes that uv takes for all packages."""
    for index in indexes if isinstance(indexes, list) else ():
        url = part(index, "url")
        if isinstance(url, str) and not part(index, "explicit"):
            check_url(url, place, "an index")
            gathered.option(INDEX if part(index, "default") else "--extra-index-url", url)


def _check_sources(found: Requirements, settings: object, place: Place) -> None:
    """Raises UsageError if only uv knows where a package comes from: an index might have another by its name."""
    sources = part(settings, "sources")
    names = {canonicalize_name(name) for name in sources} if isinstance(sources, dict) else set()
    name = next((name for name in found.names if name in names), "")
    if name:
        raise _only_uv(f"[tool.uv.sources] says where {name} comes from", place)
    if key := next((key for key in _OWN if part(settings, key)), ""):
        raise _only_uv(f"[tool.uv] has {key}", place)


def _only_uv(why: str, place: Place) -> UsageError:
    return place.error(
        f"{why}, which only uv reads",
        "uv.lock has what follows from it",
        Command("uv lock"),
        again("--requirements=uv.lock"),
    )
