"""What wheels have to fit that are to be installed on a host: asked in an exec of its own, by a run that needs it."""

import re
from typing import Any

from nbfab.errors import HostError
from nbfab.host import Host, run
from nbfab.look.fact import items, message, record, word
from nbfab.look.look import SILENCE
from nbfab.program import Record, call, render, source
from nbfab.wheels.target import Target

FILES = ("look/json", "look/look", "look/target")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+!_-]*")
_TWO = re.compile(r"(\d{1,4})\.(\d{1,4})(?:\.[\d.]*)?")


def look_target(host: Host, python: str = "") -> Target | None:
    """What wheels have to fit that are for this interpreter there, or, without one, for nbfab's own environment.

    None if there is no Python. Raises HostError or ConnectError.
    """
    program = render(FILES, [call("look_target", base_python=python, target_probe=source("look/target_probe.py"))])
    records = run(host, program, lambda _: None, SILENCE, "looking which wheels fit")
    try:
        return next(filter(None, map(_target, records)), None)
    except (ValueError, TypeError):
        raise HostError("what the host reports on its Python makes no sense", "run it again") from None


def _target(of: Record) -> Target | None:
    if "fails" in of:
        lines = message(of["fails"]).strip().splitlines() or ["no reason is given"]
        raise HostError(f"its Python does not run: {lines[-1]}", "have its administrator see to that")
    if "target" not in of:
        return None
    found = record(of["target"])
    room = found.get("room")
    if type(room) is not int or room < 0:
        raise ValueError("room is no number of bytes")
    libc = word(found.get("libc"))
    return Target(
        system=word(found.get("system")),
        machine=str(message(found.get("machine"))),
        libc=libc,
        libc_version=_two(found.get("libc_version")) if libc else (0, 0),
        python=_two(found.get("python")),
        implementation=str(message(found.get("implementation"))),
        room=room,
        kept=tuple(name for name in items(found.get("kept")) if isinstance(name, str)),
        installed=tuple(_installed(each) for each in items(found.get("installed"))),
        takes_uv=found.get("takes_uv") is True,
    )


def _two(value: Any) -> tuple[int, int]:
    match = _TWO.fullmatch(word(value))
    if not match:
        raise ValueError("a version that is none")
    return int(match[1]), int(match[2])


def _installed(value: Any) -> tuple[str, str]:
    """A package and its version, which become a requirement here."""
    name, version = map(word, items(value))
    if not _NAME.fullmatch(name) or not _VERSION.fullmatch(version):
        raise ValueError("a package that is none")
    return name, version
