"""One requirement: a package, by name and version or by URL, with its hashes."""

import re
import shlex
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from nbfab.requirements.place import Place, shown
from nbfab.requirements.urls import check_url, is_local, local

_LONGEST = 10_000  # characters without the hashes; uv writes markers of a thousand
_DIGITS = {"sha256": 64, "sha384": 96, "sha512": 128}  # what pip takes as strong
_OPTIONS = r"(?<=\s)-"
_HASH = re.compile(r"([a-z0-9]+):([0-9a-f]+)")
_LOCK_ONLY = r"\b(?:extras|dependency_groups)\b"  # in markers
_FORM = "write it as NAME, NAME==VERSION or NAME @ URL"


def requirement(line: str, place: Place) -> str:
    """A requirement as both pip and uv take it, with its name as PEP 503 writes it. Raises UsageError."""
    cut = re.search(_OPTIONS, line)
    wanted, options = (line[: cut.start()], line[cut.start() :]) if cut else (line, "")
    parsed = _parsed(wanted.strip(), place)
    hashes = sorted({*_hashes(options, place), *_hash_in(parsed.url or "")})
    if hashes and (parsed.url or "").startswith("git+"):
        raise place.error(f"{parsed.name} comes from Git and has a hash, which pip cannot check", "leave out --hash")
    if hashes and not _is_exact(parsed):
        raise place.error(
            f"{parsed.name} has a hash and no exact version, which pip refuses", f"write {parsed.name}==VERSION"
        )
    return " ".join([str(parsed), *(f"--hash={each}" for each in hashes)])


def _parsed(text: str, place: Place) -> Requirement:
    if is_local(text):
        raise local(text, place)
    if re.match(r"(?i)(git\+)?https?:", text):
        text = _named(text, place)
    try:
        if len(text) > _LONGEST:
            raise InvalidRequirement
        found = Requirement(text)
        _ = str(found)
    except (InvalidRequirement, RecursionError):  # the latter of a packaging that counts no parentheses
        raise place.error(f"{shown(text)} is no requirement", *_meant(text)) from None
    if found.marker and re.search(_LOCK_ONLY, str(found.marker)):
        raise place.error(
            f"{found.name} depends on extras or groups that only a lock file has", "write its marker anew"
        )
    found.name = canonicalize_name(found.name)
    if found.url:
        url = found.url.removeprefix("git+") if found.url.lower().startswith("git+https:") else found.url
        check_url(url, place, found.name)
    return found


def _named(text: str, place: Place) -> str:
    """A requirement that is only a URL, with the name that this has in it."""
    url, blank, more = text.partition(" ")
    base, _, fragment = url.partition("#")
    parts = [part for part in fragment.split("&") if part]
    name = next((part.removeprefix("egg=") for part in parts if part.startswith("egg=")), "")
    try:
        file = unquote(urlsplit(base).path.rpartition("/")[2])
        name = name or parse_wheel_filename(file)[0]
    except (InvalidWheelFilename, ValueError):
        raise place.error("this is a URL without the name of its package", "write it as NAME @ URL") from None
    rest = "&".join(part for part in parts if not part.startswith("egg="))
    return f"{unquote(name)} @ {base}{'#' if rest else ''}{rest}{blank}{more}"


def _meant(text: str) -> Iterator[str]:
    if re.match(r"[A-Za-z0-9._-]{1,60}\s*=(?!=)", text):
        yield "write == before an exact version"
    else:
        yield _FORM


def _hashes(options: str, place: Place) -> Iterator[str]:
    """The hashes among the options of a requirement, which takes no others."""
    try:
        words = shlex.split(options)
    except ValueError:
        raise place.error("there is a quotation mark that is not closed", "close it") from None
    while words:
        name, equals, value = words.pop(0).partition("=")
        if name != "--hash":
            raise place.error(
                f"{shown(name)} cannot stand after a requirement here: pip and uv do not both take it there",
                "write only --hash after a requirement, and an option for the index on a line of its own",
            )
        value = value if equals else words.pop(0) if words else ""
        found = _HASH.fullmatch(value.lower())
        if not found or _DIGITS.get(found[1], 0) != len(found[2]):
            raise place.error(
                "a hash is not of the form sha256:DIGITS, with 64 digits", "copy it whole (sha384 and sha512 will do)"
            )
        yield found[0]


def _hash_in(url: str) -> Iterator[str]:
    """The hash that stands at the end of a URL."""
    for part in url.partition("#")[2].split("&"):
        kind, _, digits = part.partition("=")
        if _DIGITS.get(kind) == len(digits) and re.fullmatch("[0-9a-f]+", digits):
            yield f"{kind}:{digits}"


def _is_exact(parsed: Requirement) -> bool:
    versions = list(parsed.specifier)
    exact = len(versions) == 1 and versions[0].operator in ("==", "===") and not versions[0].version.endswith(".*")
    return bool(parsed.url) or exact
