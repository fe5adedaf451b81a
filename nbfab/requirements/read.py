"""Reading a file that names packages, whatever kind it is."""

import codecs
import os
import shlex
import stat
from pathlib import Path

from packaging.pylock import is_valid_pylock_path

from nbfab.errors import UsageError
from nbfab.fix import Command, again
from nbfab.names import nearest
from nbfab.requirements import parse as requirements_file
from nbfab.requirements import pylock, pyproject, uv_lock
from nbfab.requirements.folder import in_folder
from nbfab.requirements.refused import KINDS, refused
from nbfab.requirements.requirements import Requirements

LONGEST = 1_000_000  # bytes; with all hashes, 190 packages take 160,000
LONGEST_LOCK = 10_000_000  # and their uv.lock 760,000
_FOUND = ("requirements.txt", "uv.lock", "pylock.toml", "pyproject.toml")
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # PowerShell's `>` writes the first


def read(path: Path) -> Requirements:
    """What a file asks for, by its kind, which is in its name. Raises UsageError."""
    text = _text(path, str(path), LONGEST_LOCK if path.suffix in (".lock", ".toml") else LONGEST)
    uv = uv_lock.find() if path.name == uv_lock.SOURCE else ""
    try:
        return _parsed(path, text, uv)
    except UsageError as error:
        raise UsageError(str(error), *in_folder(error.fix, path.parent)) from None


def _parsed(path: Path, text: str, uv: str) -> Requirements:
    name = path.name
    if uv:
        return uv_lock.read(uv, path.parent, text)
    if name == "pyproject.toml":
        return pyproject.parse(text, name)
    if is_valid_pylock_path(path):
        return pylock.parse(text, name)
    if path.suffix in (".txt", ".in"):
        return requirements_file.parse(text, name, _load, os.path.realpath(path))
    raise refused(name, text)


def _load(written: str, including: str) -> tuple[str, str]:
    """A file that another one includes, by its name from there."""
    path = Path(os.path.realpath(os.path.join(os.path.dirname(including), written)))
    return str(path), _text(path, written, LONGEST)


def _text(path: Path, called: str, longest: int) -> str:
    """What is in a file, which messages call by the name that was typed. Raises UsageError."""
    data = b""
    try:
        kind = path.stat().st_mode
        if stat.S_ISREG(kind):  # a pipe would keep us waiting
            with path.open("rb") as file:
                data = file.read(longest + 1)
    except FileNotFoundError:
        raise _missing(path, called) from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(
            f"{called} cannot be read: {why}", "have it made readable", Command(f"ls -l {shlex.quote(str(path))}")
        ) from None
    if stat.S_ISDIR(kind):
        raise _folder(path, called)
    if not stat.S_ISREG(kind):
        raise UsageError(f"{called} is no file", f"name a {KINDS}")
    if len(data) > longest:
        raise UsageError(
            f"{called} is larger than any file of requirements ({longest // 1_000_000} MB)", f"name a {KINDS}"
        )
    return _decoded(data, path, called)


def _missing(path: Path, called: str) -> UsageError:
    try:
        others = [each.name for each in path.parent.iterdir() if each.suffix in (".txt", ".in", ".toml", ".lock")]
    except OSError:
        return UsageError(f"there is no {called}", "name it by its path from the folder that you are in")
    near = nearest(path.name, others)
    return UsageError(f"there is no {called}", f"did you mean {near}?" if near else f"name a {KINDS}")


def _folder(path: Path, called: str) -> UsageError:
    found = next((name for name in _FOUND if (path / name).is_file()), "")
    fix = again(f"--requirements={os.path.join(called, found)}") if found else f"name a {KINDS}"
    return UsageError(f"{called} is a folder", "name a file in it" if found else "", fix)


def _decoded(data: bytes, path: Path, called: str) -> str:
    try:
        return data.decode("utf-16" if data.startswith(_UTF16) else "utf-8-sig")
    except UnicodeDecodeError:
        copy = str(path.with_name(f"{path.stem}.utf-8{path.suffix}"))
        raise UsageError(
            f"{called} is not in UTF-8",
            "this makes a copy that is, if it is in Windows' Western encoding",
            Command(f"iconv -f WINDOWS-1252 -t UTF-8 {shlex.quote(str(path))} > {shlex.quote(copy)}"),
            again(f"--requirements={copy}"),
        ) from None
