"""uv's own lock file, uv.lock, which uv itself turns into requirements."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from nbfab.errors import UsageError
from nbfab.fix import Command
from nbfab.requirements.gathered import Gathered
from nbfab.requirements.lines import lines_in
from nbfab.requirements.locked import add_indexes
from nbfab.requirements.one import requirement
from nbfab.requirements.options import options
from nbfab.requirements.place import Place
from nbfab.requirements.requirements import Requirements
from nbfab.requirements.toml import part, python_in, table_in
from nbfab.text import clean_line

SOURCE = "uv.lock"
EXPORT = ("export", "--frozen", "--no-emit-project", "--no-dev", "--format", "requirements-txt")
_QUIETLY = ("--offline", "--quiet", "--no-header", "--no-annotate", "--color", "never")
_SECONDS = 60


def read(uv: str, folder: Path, text: str) -> Requirements:
    """What the project in a folder has locked, without its development group; `text` is its uv.lock's."""
    table_in(text, SOURCE)  # so that a broken one has the words that other files have
    return parse(text, exported(uv, folder))


def parse(text: str, exported: str) -> Requirements:
    """What is in a lock and in what uv makes of it. Without its hashes, if there are packages that can have none."""
    table, place, gathered = table_in(text, SOURCE), Place(SOURCE), Gathered()
    for _, line in lines_in(exported, SOURCE, numbered=False):
        if line.startswith("-"):
            list(options(line, place))  # raises: it is -e and a folder
        else:
            gathered.add(requirement(line, place), place)
    packages = table.get("package")
    registries = [part(each, "source", "registry") for each in packages] if isinstance(packages, list) else []
    add_indexes(gathered, [each for each in registries if isinstance(each, str)], place)
    return gathered.requirements(SOURCE, python_in(part(table, "requires-python"), place), mixed=True)


def exported(uv: str, folder: Path) -> str:
    """What the program uv makes of the lock in a folder, from that alone. Raises UsageError."""
    # What the user has set for other projects changes nothing here.
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("UV_")}
    try:
        done = subprocess.run(
            [uv, *EXPORT, *_QUIETLY],
            cwd=folder,
            env=surroundings,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        why = error.strerror if isinstance(error, OSError) else f"it has not ended in {_SECONDS} seconds"
        raise UsageError(
            f"uv cannot read {SOURCE}: {why}", "try it by itself", Command(shlex.join([uv, *EXPORT]))
        ) from None
    if done.returncode:
        why = (
            clean_line(" ".join(done.stderr.split()).removeprefix("error: "))[:300]
            or f"it ended with {done.returncode}"
        )
        raise UsageError(f"uv cannot read {SOURCE}: {why}", "have it written anew", Command("uv lock"))
    return done.stdout


def find() -> str:
    """The program uv: on PATH, beside this Python, or where its installer puts it. Raises UsageError."""
    folders = (Path(sys.executable).parent, Path.home() / ".local" / "bin", Path.home() / ".cargo" / "bin")
    found = shutil.which("uv") or next((str(f / "uv") for f in folders if os.access(f / "uv", os.X_OK)), "")
    if not found:
        raise UsageError(
            f"{SOURCE} is read by uv, and there is no uv on this machine",
            "this installs it",
            Command("curl -LsSf https://astral.sh/uv/install.sh | sh"),
        )
    return found
