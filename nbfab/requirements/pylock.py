"""A lock file that any tool may write: pylock.toml (PEP 751)."""

import re
from collections.abc import Iterator

from packaging.pylock import Package, Pylock, PylockValidationError

from nbfab.requirements.gathered import Gathered
from nbfab.requirements.lines import check
from nbfab.requirements.locked import add_indexes
from nbfab.requirements.one import requirement
from nbfab.requirements.place import Place
from nbfab.requirements.requirements import Requirements
from nbfab.requirements.toml import part, python_in, table_in

_HASHES = ("sha256", "sha384", "sha512")
_TRUE, _FALSE = 'python_version >= "0"', 'python_version < "0"'
# What a marker asks of extras and groups: '"dev" in dependency_groups'.
_CHOICE = r"""["']([^"']*)["'] (not in|in) (extras|dependency_groups)\b"""


def parse(text: str, source: str) -> Requirements:
    """The packages of a lock file at their versions, with the hashes of all their files. Raises UsageError."""
    table, place = table_in(text, source), Place(source)
    if str(part(table, "lock-version")).startswith("1."):
        table["lock-version"] = "1.0"  # a later one changes nothing that is read here; packaging would log a warning
    try:
        lock = Pylock.from_dict(table)
    except (PylockValidationError, RecursionError) as error:
        raise place.error(f"it is no lock file of PEP 751{_why(error)}", "have what wrote it write it anew") from None
    gathered = Gathered()
    for package in lock.packages:
        marker = _marker(package, lock)
        if marker == _FALSE:
            continue
        line = f"{_pinned(package, place)}{'' if marker == _TRUE else f' ; {marker}'}"
        line = " ".join([line, *(f"--hash={each}" for each in _hashes(package, place))])
        check(line, place)
        gathered.add(requirement(line, place), place)
    add_indexes(gathered, [package.index for package in lock.packages if package.index], place)
    return gathered.requirements(source, python_in(part(table, "requires-python"), place))


def _why(error: Exception) -> str:
    """What is wrong, in a line, unless that quotes a URL."""
    text = str(error).split("\n")[0]
    context = getattr(error, "context", None)
    quotable = text and text.isprintable() and "://" not in text and "@" not in text
    return f": {text}"[:200] if quotable else f" at {context}"[:100] if context else ""


def _pinned(package: Package, place: Place) -> str:
    """Name and version. Raises UsageError for a package that is in no index."""
    kinds = {"a repository": package.vcs, "a folder": package.directory, "an archive": package.archive}
    if kind := next((kind for kind, source in kinds.items() if source), ""):
        raise place.error(
            f"{package.name} comes from {kind}, not from an index",
            "name the requirements that the lock was made from, with NAME @ URL for this one",
        )
    if package.version is None:
        raise place.error(f"{package.name} has no version", "have what wrote it write it anew")
    files = [*(package.wheels or ()), *((package.sdist,) if package.sdist else ())]
    if not package.index and not any(file.url and not file.url.startswith("file:") for file in files):
        raise place.error(
            f"{package.name} comes from files of this machine, which a host does not have",
            "publish it to an index that the host can reach, and lock anew",
        )
    return f"{package.name}=={package.version}"


def _hashes(package: Package, place: Place) -> Iterator[str]:
    """The strongest common hash of each file."""
    for file in (*(package.wheels or ()), *((package.sdist,) if package.sdist else ())):
        kind = next((kind for kind in _HASHES if kind in file.hashes), "")
        if not kind:
            raise place.error(f"{package.name} has a hash of a kind that pip does not take", "lock with sha256")
        yield f"{kind}:{file.hashes[kind]}"


def _marker(package: Package, lock: Pylock) -> str:
    """When a package is wanted, without what depends on extras and groups: of these, the lock's own are chosen."""
    chosen = {"extras": (), "dependency_groups": lock.default_groups or ()}

    def settle(found: re.Match[str]) -> str:
        name, operator, kind = found.groups()
        return _TRUE if (name in chosen[kind]) == (operator == "in") else _FALSE

    marker = re.sub(_CHOICE, settle, str(package.marker or _TRUE))
    if " or " not in marker and "(" not in marker:
        parts = [part for part in marker.split(" and ") if part != _TRUE]
        marker = _FALSE if _FALSE in parts else " and ".join(parts) or _TRUE
    return marker
