"""The options in a requirements file: those that pip and uv have in common, and why there are no others."""

import shlex
from collections.abc import Iterator

from packaging.utils import InvalidName, canonicalize_name

from nbfab.errors import UsageError
from nbfab.names import did_you_mean
from nbfab.requirements.place import Place, shown
from nbfab.requirements.urls import check_url, local

INDEX = "--index-url"
_SHORT = {"-r": "--requirement", "-c": "--constraint", "-e": "--editable", "-i": INDEX, "-f": "--find-links"}
_OTHER = {"--pypi-url": INDEX, "--requirements": "--requirement", "--constraints": "--constraint"}
_URLS = (INDEX, "--extra-index-url", "--find-links")
_PACKAGES = ("--no-binary", "--only-binary")
_FLAGS = ("--no-index", "--pre", "--prefer-binary")
HASHES = "--require-hashes"
FILES = ("--requirement", "--constraint")
ORDER = (*_URLS, *_PACKAGES, *_FLAGS)
"""Options that are kept, in the order in which they are written."""
_VALUED = (*FILES, "--editable", *_URLS, *_PACKAGES, "--trusted-host")
_KNOWN = (*_VALUED, *_FLAGS, HASHES)


def options(line: str, place: Place) -> Iterator[tuple[str, str]]:
    """The options of a line that has no requirement, each by its long name, with its value. Raises UsageError."""
    try:
        words = shlex.split(line)
    except ValueError:
        raise place.error("there is a quotation mark that is not closed", "close it") from None
    while words:
        name, equals, value = _apart(words.pop(0))
        if name not in _KNOWN:
            raise _unknown(name, place)
        if name in _VALUED and not equals:
            value = words.pop(0) if words else ""
        if (name in _VALUED) != bool(value):
            needs = name in _VALUED
            raise place.error(
                f"{name} {'needs a' if needs else 'takes no'} value", f"{'add' if needs else 'leave out'} it"
            )
        yield from _checked(name, value, place)


def _apart(word: str) -> tuple[str, bool, str]:
    """Name, whether the value is in the same word, and that value."""
    if word.startswith("--"):
        name, equals, value = word.partition("=")
        return _OTHER.get(name, name), bool(equals), value
    return _SHORT.get(word[:2], word[:2] if word.startswith("-") else word), len(word) > 2, word[2:].removeprefix("=")


def _unknown(name: str, place: Place) -> UsageError:
    if not name.startswith("-"):
        return place.error("there is something after the options", "give it a line of its own")
    if name == "--hash":
        return place.error("a hash stands without its package", "end the line before it with a backslash")
    return place.error(f"{shown(name)} is no option that pip and uv both take in a file", did_you_mean(name, _KNOWN))


def _checked(name: str, value: str, place: Place) -> Iterator[tuple[str, str]]:
    if name == "--editable":
        if "://" not in value:
            raise local(value, place)
        raise place.error("-e keeps a working copy, which belongs to one machine", "write it as NAME @ git+https://...")
    if name == "--trusted-host":
        raise place.error(
            "--trusted-host takes packages from a host without checking that it is that host, so anyone in between "
            "could put others there",
            "leave the line out, and have the host trust the authority that issued the index's certificate",
        )
    if name in _URLS:
        check_url(value, place, name)
    if name not in _PACKAGES:
        yield name, value
        return
    for each in value.split(","):  # uv takes one on a line
        try:
            yield name, each if each in (":all:", ":none:") else canonicalize_name(each.strip(), validate=True)
        except InvalidName:
            raise place.error(
                f"{name} has something that is no package's name", "write :all:, :none:, or names with commas"
            ) from None
