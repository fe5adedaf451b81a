"""What the steps have in common: a text that has to stand in a file of the profile's folder."""

import difflib
from collections.abc import Iterator

from nbfab.change import Change, write
from nbfab.errors import HostError
from nbfab.facts import Facts

PRIVATE = "-rw-------"


def check_folder(facts: Facts) -> None:
    """Raises HostError if the profile's folder is not a safe place to write a key to."""
    mend = f"look at it, and move it away: ls -ld {facts.folder}"
    if facts.folder_state in ("link", "other"):
        what = "is a symbolic link" if facts.folder_state == "link" else "is not a folder that can be entered"
        raise HostError(f"{facts.folder} {what}; nbfab does not write through it", mend)
    if not facts.writable:
        raise HostError(
            f"{facts.nearest} cannot be written to by {facts.user}", f"ls -ld {facts.nearest}; df {facts.nearest}"
        )
    for path, mode in facts.modes.items():
        place = facts.folder if path == "." else f"{facts.folder}/{path}"
        kind = "regular file" if "." in path.rpartition("/")[2].strip(".") else "folder"
        if mode[0] != {"regular file": "-", "folder": "d"}[kind]:
            raise HostError(f"{place} is not a {kind}; nbfab does not write through it", f"ls -ld {place}")
        if facts.owners[path] != facts.uid:
            raise HostError(f"{place} belongs to another user (number {facts.owners[path]})", f"ls -l {place}")


def in_file(
    step: str,
    what: str,
    path: str,
    have: str,
    want: str,
    facts: Facts,
    *,
    secret: bool = False,
    needs_restart: bool = False,
) -> Iterator[Change]:
    """A change if `path` does not hold the text `want`, for its owner only; `what` names it to people."""
    mode = facts.modes.get(path)
    if mode == PRIVATE and have == want:
        return
    if mode is None:
        yield write(step, f"write {what}", path, want, needs_restart=needs_restart)
    elif have == want:
        yield write(step, f"make {what} private: its mode is {mode}", path, want)
    else:
        lines = difflib.unified_diff(
            have.splitlines(), want.splitlines(), f"{path} as it is", f"{path} as it shall be", "", "", 1, ""
        )
        diff = "" if secret else "\n".join(lines)
        yield write(step, f"rewrite {what}", path, want, diff=diff, needs_restart=needs_restart)
