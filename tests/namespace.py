"""Programs that find other files than this machine has: in a mount namespace of their own, for root and for a user."""

import functools
import os
import pwd
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

ROOT_USER = os.geteuid() == 0


def bind(files: Mapping[str, str]) -> list[list[str]]:
    """What `mount` takes to put other files in the place of those that are there."""
    return [["--bind", other, path] for path, other in files.items() if os.path.exists(path)]


def without(*programs: str) -> dict[str, str]:
    """A host that lacks those programs, wherever they usually are."""
    return {f"{place}/{name}": "/dev/null" for place in ("/usr/bin", "/usr/local/bin") for name in programs}


def passwd(file: Path, *, shell: str = "", home: str = "", name: str = "") -> dict[str, str]:
    """Writes /etc/passwd anew, with another login shell, home folder or name for the user of this process, to bind."""
    me = pwd.getpwuid(os.geteuid())
    own = f"{name or me.pw_name}:x:{me.pw_uid}:{me.pw_gid}:{me.pw_gecos}:{home or me.pw_dir}:{shell or me.pw_shell}"
    lines = Path("/etc/passwd").read_text().splitlines()
    others = [line for line in lines if line.partition(":")[0] != me.pw_name]
    file.write_text("".join(f"{line}\n" for line in (own, *others)))
    return {"/etc/passwd": str(file)}


def with_mounts(command: Sequence[str], mounts: Sequence[Sequence[str]]) -> list[str]:
    """The command, with those mounts for itself and what it starts; its pid is that of what this returns."""
    return after(command, [shlex.join(["mount", *mount]) for mount in mounts])


def after(command: Sequence[str], lines: Sequence[str]) -> list[str]:
    """The command, after lines of sh that mount what it and what it starts find.

    A user mounts as the root of a user namespace, and runs the command in another one inside, as themselves again.
    """
    if not ROOT_USER and (reason := _refused()):
        pytest.skip(f"takes root, or a kernel that lets users mount in a namespace of their own: {reason}")
    me = [] if ROOT_USER else ["unshare", f"--map-user={os.geteuid()}", f"--map-group={os.getegid()}", "--"]
    return _mount(list(lines), [*me, *command])


def _mount(lines: list[str], command: list[str]) -> list[str]:
    how = ["--mount"] if ROOT_USER else ["--mount", "--map-root-user"]
    return ["unshare", *how, "sh", "-c", " && ".join([*lines, 'exec "$@"']), "sh", *command]


@functools.cache
def _refused() -> str:
    """What is said where a user may mount nothing; empty where they may."""
    probe = _mount(["mount --bind /dev/null /etc/passwd"], ["unshare", f"--map-user={os.geteuid()}", "true"])
    done = subprocess.run(probe, capture_output=True, text=True, check=False)
    return done.stderr.strip() if done.returncode else ""
