"""Whether the user's browser is kept from the files of others, as snap and flatpak keep it: those have a /tmp of their
own, and a browser from a snap reads no hidden folder.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

ASKING = 5.0  # seconds
SEARCHED = 20_000  # bytes of a script
DESKTOPS = {"xdg-open", "gio", "gvfs-open", "kde-open", "kde-open5", "gnome-open", "exo-open"}
"""What starts the browser that the desktop's settings name."""

_PLACES = re.compile(r"/snap/|/snapd/|/flatpak/")
_RUNS = re.compile(r"/snap/bin/|\b(?:snap|flatpak) run\b|/flatpak/exports/")


def is_confined(program: str, env: Mapping[str, str], asked: str | None = None) -> bool | None:
    """Whether the browser that `program` starts is one of snap or flatpak; None if that cannot be told.

    `asked` is the name of the default browser's desktop file; without it, the desktop is asked.
    """
    if os.path.basename(program) not in DESKTOPS:
        return _of_program(program, env)
    name = _default(env) if asked is None else asked
    file = next(filter(Path.is_file, (folder / name for folder in _applications(env))), None) if name else None
    if file is None:
        return None
    if _PLACES.search(f"{file.resolve()} {file}"):
        return True
    return _of_desktop_file(file, env)


def _of_desktop_file(file: Path, env: Mapping[str, str]) -> bool | None:
    try:
        found = re.search(r"^Exec=(.*)$", file.read_text("utf-8", "replace"), re.MULTILINE)
        words = shlex.split(found[1]) if found else []
    except (OSError, ValueError):
        return None
    if any(os.path.basename(word) in ("snap", "flatpak") or _PLACES.search(word) for word in words):
        return True
    # `env NAME=VALUE program`, as snap writes it
    program = next((word for word in words if "=" not in word and os.path.basename(word) != "env"), "")
    return _of_program(program, env) if program else None


def _of_program(program: str, env: Mapping[str, str]) -> bool | None:
    path = shutil.which(program, path=env.get("PATH"))
    if path is None:
        return None
    if _PLACES.search(f"{path} {os.path.realpath(path)}") or os.path.basename(os.path.realpath(path)) == "snap":
        return True
    try:
        with open(path, "rb") as file:
            text = file.read(SEARCHED)
    except OSError:
        return None
    # As /usr/bin/chromium-browser of Ubuntu, which runs that of the snap.
    return bool(text.startswith(b"#!") and _RUNS.search(text.decode("utf-8", "replace")))


def _applications(env: Mapping[str, str]) -> Iterator[Path]:
    """The folders of desktop files; the first counts. Those of snap and flatpak may be missing from XDG_DATA_DIRS."""
    home = env.get("HOME") or "/"
    folders = [env.get("XDG_DATA_HOME") or f"{home}/.local/share"]
    folders += (env.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share").split(":")
    folders += [f"{home}/.local/share/flatpak/exports/share", "/var/lib/flatpak/exports/share"]
    folders += ["/var/lib/snapd/desktop"]
    return (Path(folder, "applications") for folder in folders if folder.startswith("/"))


def _default(env: Mapping[str, str]) -> str:
    """The desktop file of the default browser; empty if that is not known."""
    try:
        asked = subprocess.run(
            ["xdg-settings", "get", "default-web-browser"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(env),
            timeout=ASKING,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    name = asked.stdout.decode("utf-8", "replace").strip()
    return name if re.fullmatch(r"[\w.@+-]+\.desktop", name) else ""
