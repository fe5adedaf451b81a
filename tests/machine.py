"""A machine as a person has one: a home folder, the commands, and nothing that outlives the test."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from documents import check_document
from fixes import check
from processes import lives, start_of
from sshd import Sshd, free_port, wait_until

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
PASSWORD = "canary horse battery"  # of servers that end with their test

Result = subprocess.CompletedProcess[str]


class Machine:
    """Runs `inv`, `fab` and `nbfab` in `work`, with a home folder of its own; `sshd` is the host that -H box means."""

    def __init__(self, folder: Path, sshd: Sshd | None = None, program: str = "inv") -> None:
        self.home = sshd.home if sshd else folder / "home"
        self.work = folder / "work"
        for place in (self.home, self.work):
            place.mkdir(parents=True, exist_ok=True)
        self.sshd = sshd
        self.program = program
        self.port = free_port()
        # The path of a socket has to be short.
        self.tmux = sshd.tmux if sshd else Path(tempfile.mkdtemp(prefix="nbfab"))
        self.env = {
            "HOME": str(folder / "home"),
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "TMUX_TMPDIR": str(self.tmux),
            "NBFAB_PORT": str(self.port),
            "NBFAB_PYTHON": sys.executable,
            "LANG": "C.UTF-8",
        }

    @property
    def folder(self) -> Path:
        """The profile's folder."""
        home = self.sshd.files if self.sshd else self.home
        return home / ".local/share/nbfab/nbserver"

    @property
    def socket(self) -> Path:
        """The socket of the profile's tmux."""
        return socket_of(self.folder)

    @property
    def server(self) -> int:
        """The process of the profile's server; 0 if none runs."""
        return next(_servers(self.folder), 0)

    def kill_server(self) -> int:
        """Kills the server, and first what would start it again; its process, once that has ended."""
        runner, server = int((self.folder / "started").read_text().split()[0]), self.server
        for pid in (runner, server):
            with suppress(ProcessLookupError):  # once the first has ended, tmux ends the other
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not lives(server), "the server to end")
        return server

    def command(self, *args: str) -> list[str]:
        """The command line of a task."""
        if self.sshd is None:
            return [self.program, *(("-r", str(ROOT)) if Path(self.program).name == "inv" else ()), *args]
        return [self.program, "-S", str(self.sshd.config), "-H", "box", *args]

    def run(self, *args: str, password: str | None = PASSWORD, stdin: str = "", **env: str) -> Result:
        """Runs a task without a terminal."""
        given = {} if password is None else {"NBFAB_PASSWORD": password}
        where = ROOT if self.program == "fab" else self.work
        return subprocess.run(
            self.command(*args),
            input=stdin,
            capture_output=True,
            text=True,
            env=self.env | given | env,
            cwd=where,
            timeout=240,
            check=False,
        )

    def ok(self, *args: str, **more: Any) -> str:
        """What a task prints that ends well."""
        result = self.run(*args, **more)
        assert result.returncode == 0, result.stdout + result.stderr
        assert "Traceback" not in result.stderr
        return result.stdout

    def fails(self, *args: str, status: int = 1, **more: Any) -> str:
        """What a task says that ends with that exit status, and without a traceback."""
        result = self.run(*args, **more)
        assert result.returncode == status, result.stdout + result.stderr
        assert "Traceback" not in result.stdout + result.stderr, result.stdout + result.stderr
        return result.stdout + result.stderr

    def json(self, *args: str, **more: Any) -> dict[str, Any]:
        """The one host of a task's JSON document, however the task ended."""
        document = json.loads(self.run(*args, "--json", **more).stdout)
        check_document(document)
        (host,) = document["hosts"]
        check(host["fix"])
        return dict(host)

    def files(self) -> dict[str, tuple[bytes, float]]:
        """Every file of the profile's folder that nbfab writes, with its text and time."""
        names = ("*.pem", "*.json", "*.py", "run.sh", "ipython/profile_*/*.py", "share/jupyter/kernels/*/*")
        found = (path for name in names for path in self.folder.glob(name))
        return {str(path.relative_to(self.folder)): (path.read_bytes(), path.stat().st_mtime) for path in found}

    def close(self) -> None:
        """Ends its servers and its tmux."""
        end_servers({self.sshd.files if self.sshd else self.home: self.tmux})


def socket_of(profile: Path) -> Path:
    """The socket of a profile's tmux."""
    record = profile / "socket"
    return Path(record.read_text().strip()) if record.exists() else profile / "tmux"


def remove_ipc(profile: Path) -> None:
    """Removes the folder that a profile's kernels have their sockets in, if that is not in the profile."""
    record = profile / "ipc"
    if record.exists():
        shutil.rmtree(record.read_text().strip(), ignore_errors=True)


def _servers(*profiles: Path) -> Iterator[int]:
    """The processes of the servers that run, as the notes in the folders of those profiles name them."""
    for note in (profile / "started" for profile in profiles):
        if note.exists():
            _, pid, start, *_ = note.read_text().split()
            if start_of(pid) == start:
                yield int(pid)


def wait_for_end(pid: int) -> None:
    """Waits until a server has ended; one that does not is killed, as by `stop`: a thread of anyio's may hold it up."""
    try:
        wait_until(lambda: not lives(pid), f"the server, process {pid}, to end", 20)
    except AssertionError:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not lives(pid), f"the server, process {pid}, to end")


def end_servers(machines: Mapping[Path, Path]) -> None:
    """Ends every server of nbfab's on machines with those home folders and folders of tmux, all at once."""
    profiles = [profile for home in machines for profile in home.glob(".local/share/nbfab/*")]
    sockets = [socket for profile in profiles if (socket := socket_of(profile)).exists()]
    pids = list(_servers(*profiles))
    for pid in pids:
        os.kill(pid, signal.SIGTERM)
    for pid in pids:
        wait_for_end(pid)
    for socket in sockets:
        subprocess.run(["tmux", "-S", socket, "kill-server"], capture_output=True, check=False)
        if socket.parent.parent == Path("/var/tmp"):
            shutil.rmtree(socket.parent, ignore_errors=True)
    for profile in profiles:
        remove_ipc(profile)
    for tmux in machines.values():
        command = ["tmux", "-L", "nbfab", "kill-server"]
        subprocess.run(command, env=os.environ | {"TMUX_TMPDIR": str(tmux)}, capture_output=True, check=False)
        shutil.rmtree(tmux, ignore_errors=True)
