"""What git would take along: a file with passwords belongs in no repository."""

import os
import shlex
import shutil
import subprocess
from pathlib import Path

from nbfab.errors import UsageError
from nbfab.fix import Command

_SPECIAL = "\\*?[ "  # to gitignore(5), wherever they stand


def check(path: Path) -> None:
    """Raises UsageError if `path`, which holds passwords, is in a git work tree that does not ignore it.

    Without git, or where it cannot tell, nothing is refused.
    """
    if not shutil.which("git"):
        return
    path = path.parent.resolve() / path.name
    status, top = _git(path.parent, "rev-parse", "--show-toplevel")
    if status or not top:
        return
    if _git(path.parent, "check-ignore", "--quiet", "--no-index", "--", f"./{path.name}")[0] == 1:
        raise UsageError(f"{path} would hold passwords, and git does not ignore it", _ignores(Path(top), path))
    if _git(path.parent, "ls-files", "--error-unmatch", "--", f":(literal){path.name}")[0] == 0:
        fix = Command(shlex.join(("git", "-C", str(path.parent), "rm", "--cached", "--", path.name)))
        raise UsageError(f"{path} would hold passwords, and git tracks it", fix)


def _ignores(top: Path, path: Path) -> Command:
    """The command that has git ignore a file: it adds a line to the .gitignore of the work tree."""
    line = "/" + "".join(f"\\{each}" if each in _SPECIAL else each for each in str(path.relative_to(top.resolve())))
    file = top.resolve() / ".gitignore"
    quoted, where = shlex.quote(line), shlex.quote(os.path.relpath(file))
    try:
        whole = not (text := file.read_bytes()) or text.endswith(b"\n")
    except OSError:
        whole = True
    if whole and "\\" not in line:
        return Command(f"echo {quoted} >> {where}")
    # The last line has no end, or the shell's echo may take a backslash for its own.
    pattern = "%s\\n" if whole else "\\n%s\\n"
    return Command(f"printf '{pattern}' {quoted} >> {where}")


def _git(folder: Path, *words: str) -> tuple[int, str]:
    """The exit status of git in a folder, and what it prints; -1 if it does not answer."""
    # A repository that a hook or a shell has named is not the one to ask.
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words],
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return -1, ""
    return done.returncode, os.fsdecode(done.stdout).removesuffix("\n")
