"""Lock: which files are to be installed, to the last hash, from uv's lock file (PEP 751). Pure."""

import hashlib
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote, urlsplit

from packaging.tags import Tag
from packaging.utils import canonicalize_name, parse_wheel_filename

from nbfab.errors import HostError
from nbfab.records import dataclass

_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+!-]*\.whl")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Wheel:
    """A wheel of the lock: its package and version, its file's name, where it is, its size if known, its SHA-256."""

    name: str
    version: str
    file: str
    url: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Lock:
    """Wheels, such that nothing else is needed; those of what is `installed` already need not be fetched."""

    wheels: tuple[Wheel, ...]
    installed: frozenset[tuple[str, str]] = frozenset()

    @property
    def requirements(self) -> str:
        """What pip and uv take with --require-hashes."""
        hashes: dict[str, list[str]] = {}
        for wheel in self.wheels:
            hashes.setdefault(f"{wheel.name}=={wheel.version}", []).append(f"--hash=sha256:{wheel.sha256}")
        return "".join(f"{pinned} {' '.join(of)}\n" for pinned, of in hashes.items())

    @property
    def missing(self) -> tuple[Wheel, ...]:
        """The wheels that are to be fetched."""
        return tuple(wheel for wheel in self.wheels if (wheel.name, wheel.version) not in self.installed)

    @property
    def digest(self) -> str:
        """What names this lock's wheelhouse: another lock has another."""
        text = self.requirements + "".join(wheel.file for wheel in self.missing)
        return hashlib.sha256(text.encode()).hexdigest()[:24]


def parse(
    text: str,
    hashes: Mapping[str, Collection[str]] = MappingProxyType({}),
    installed: Collection[tuple[str, str]] = (),
    tags: Collection[Tag] = (),
) -> Lock:
    """The lock that uv has written for the platform with those tags; of a package with `hashes`, only files that have
    one of them.

    Raises HostError where a package is no wheel, or none that has its hash: uv does not compare them. Without tags, all
    wheels fit: uv of before 2026 lists those of other platforms, too (https://github.com/astral-sh/uv/issues/15429).
    """
    have = frozenset((canonicalize_name(name), version) for name, version in installed)
    packages = tomllib.loads(text).get("packages", [])
    wheels = [wheel for package in packages for wheel in _wheels(package, hashes, frozenset(tags))]
    return Lock(tuple(wheels), have)


def _wheels(package: Mapping[str, Any], hashes: Mapping[str, Collection[str]], tags: frozenset[Tag]) -> Iterator[Wheel]:
    """A package's wheels that fit; what is compiled for the platform comes before what is not."""
    name, version = canonicalize_name(str(package["name"])), str(package.get("version", ""))
    listed = package.get("wheels", [])
    if str(package.get("archive", {}).get("url", "")).endswith(".whl"):  # NAME @ URL
        listed = [package["archive"]]
    files = [wheel for wheel in (_wheel(name, version, of) for of in listed) if _fits(wheel.file, tags)]
    if not files:
        raise HostError(f"{name} is no wheel, and a host without an index cannot build it", "leave it out")
    if name in hashes:
        files = [wheel for wheel in files if f"sha256:{wheel.sha256}" in hashes[name]]
    if not files:
        fix = "add the SHA-256 of its wheel, as uv pip compile --generate-hashes does"
        raise HostError(f"no wheel of {name} {version} has the hash that was asked for", fix)
    compiled = [wheel for wheel in files if not wheel.file.endswith("-none-any.whl")]
    yield from compiled or files


def _wheel(name: str, version: str, of: Mapping[str, Any]) -> Wheel:
    url = str(of.get("url") or of.get("path", ""))
    file = str(of.get("name") or unquote(urlsplit(url).path).rpartition("/")[2])
    sha256 = str(of.get("hashes", {}).get("sha256", ""))
    size = of.get("size", 0)
    if not _FILE.fullmatch(file) or not _SHA256.fullmatch(sha256) or type(size) is not int:
        raise HostError(f"the index here names no file with its SHA-256 for {name} {version}", "leave it out")
    return Wheel(name, version, file, url, size, sha256)


def _fits(file: str, tags: frozenset[Tag]) -> bool:
    try:
        return not tags or not tags.isdisjoint(parse_wheel_filename(file)[3])
    except ValueError:
        return False
