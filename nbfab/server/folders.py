"""Where kernels have their sockets: a folder that only this user may enter, on a file system that can do it."""

from __future__ import annotations

import os
import re
import socket
import stat
import tempfile
import uuid

LONGEST = 57  # bytes of its path: a socket's may have 107 on Linux (unix(7)), of which the name of ours takes 50
OTHERWISE = "/var/tmp"  # noqa: S108  # not /run/user, which logind removes; what is made there is private
RECORD = "ipc"  # the file in the profile's folder that names a folder there, with a slash at its end
# Sockets do not work on all of these, and other machines that have them mounted would take ours for dead.
_NETWORK = ("nfs", "cifs", "smb", "afs", "9p", "ceph", "lustre", "gpfs", "beegfs", "gluster", "pvfs", "fuse.")


class NoFolder(Exception):
    """There is no folder that would do. The message says why, and what to do."""


def find(profile: str) -> str:
    """The folder: `runtime` in the profile's own; where that does not do, one in /var/tmp, which is recorded."""
    runtime, record = os.path.join(profile, "runtime"), os.path.join(profile, RECORD)
    os.makedirs(runtime, 0o700, exist_ok=True)
    reason = why_not(runtime)
    if not reason:
        return runtime
    recorded = _read(record)
    if recorded and not why_not(recorded):  # it may be gone, and another user may have made one of that name
        return recorded
    try:
        made = tempfile.mkdtemp(prefix="nbfab.", dir=OTHERWISE)
        other = why_not(made)
        if not other:
            _write(record, made)
            return made
        os.rmdir(made)
    except OSError as error:
        other = str(error)
    raise NoFolder(
        f"kernels have no place for sockets that only their user may reach: {runtime} will not do, since {reason}; "
        f"nor will a folder in {OTHERWISE}: {other}. See `ls -ld {OTHERWISE}; df {OTHERWISE}`: it has to be a local "
        f"disk that you may write to; or set XDG_DATA_HOME to a folder on one, of at most 30 characters"
    )


def why_not(folder: str) -> str:
    """Why a folder will not do; empty if it will."""
    if len(os.fsencode(folder)) > LONGEST:
        return f"its path is longer than {LONGEST} bytes"
    try:
        found = os.lstat(folder)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
            return "it is not a folder that only you may enter"
        kind = file_system(folder)
        if kind.startswith(_NETWORK):
            return f"it is on another machine ({kind})"
        _try(os.path.join(folder, f"kernel-{uuid.uuid4()}-ipc-0"))  # as long a path as any of a kernel's
    except OSError as error:
        return str(error)
    return ""


def file_system(folder: str, mounted: str = "/proc/self/mounts") -> str:
    """The kind of file system that a folder is on, as Linux calls it; empty where that cannot be told."""
    found, longest = "", 0
    path = os.path.join(os.path.realpath(folder), "")
    try:
        with open(mounted, encoding="utf-8", errors="surrogateescape") as mounts:
            for line in mounts:
                _, point, kind = line.split(" ")[:3]
                point = os.path.join(re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), point), "")
                if path.startswith(point) and len(point) >= longest:  # the last one lies on top
                    found, longest = kind, len(point)
    except OSError:
        pass
    return found


def sweep(folder: str) -> None:
    """Removes the sockets of kernels that have ended without doing so: no one listens there any more."""
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if re.fullmatch(r"kernel-[0-9a-f-]{36}-ipc-[0-9]+", name) and stat.S_ISSOCK(os.lstat(path).st_mode):
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(1)
                try:
                    client.connect(path)
                except ConnectionRefusedError:
                    os.unlink(path)
                except OSError:
                    pass


def _try(path: str) -> None:
    """Raises OSError if a socket at that path cannot be had, or cannot be reached."""
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        try:
            server.bind(path)
            server.listen(1)
            client.connect(path)
        finally:
            if os.path.lexists(path):
                os.unlink(path)


def _read(record: str) -> str:
    try:
        with open(record, encoding="utf-8", errors="surrogateescape") as file:
            return file.readline().rstrip("\n").rstrip("/")
    except OSError:
        return ""


def _write(record: str, folder: str) -> None:
    new = f"{record}.new.{os.getpid()}"
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "w") as file:
        file.write(f"{folder}/\n")
    os.replace(new, record)
