"""A real OpenSSH server on loopback, with a home folder and a client configuration of its own."""

import contextlib
import functools
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from namespace import ROOT_USER, bind, passwd, with_mounts
from processes import descendants

SSHD = "/usr/sbin/sshd"


_GIVEN: set[int] = set()


def free_port() -> int:
    """A port that is free right now; another one each time, and another than tests in other processes get."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port not in _GIVEN and port // 2 % workers == worker % workers:  # the system gives out odd ones first
            _GIVEN.add(port)
            return port


def wait_until(condition: Callable[[], object], what: str, seconds: float = 60) -> None:
    """Returns once `condition` holds; AssertionError if it has not within `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.02)


def keygen(path: Path, kind: str = "ed25519", passphrase: str = "") -> Path:
    """A new key pair."""
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-f", path], check=True)
    return path


@functools.cache
def knows(option: str) -> bool:
    """Whether this version of sshd has that option; one that does not refuses to start with it."""
    tried = subprocess.run([SSHD, "-T", "-f", "/dev/null", "-o", option], capture_output=True, text=True, check=False)
    return "Bad configuration option" not in tried.stderr


class Sshd:
    """An sshd that lets the user of this process in; `shell` is the login shell that it gives them, `replace` puts
    other files in the place of programs, `/dev/null` for one that it lacks, and `disk` is the size of a file system of
    its own for what nbfab writes. `within` is a command that runs it elsewhere, `home` the home folder, and `user` its
    owner, if that is another user.

    `config` is an ssh_config for `-S` and `ssh -F`, in which the host is called `box`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        lines: str = "",
        shell: str = "",
        replace: Mapping[str, str] | None = None,
        disk: str = "",
        within: Sequence[str] = (),
        home: Path | None = None,
        user: str = "",
        kinds: tuple[str, ...] = ("ed25519",),
    ) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.home = home or folder / "home"
        self.home.mkdir(exist_ok=True)
        self.port = free_port()
        self.tmux = Path(tempfile.mkdtemp(prefix="nbfab"))  # the path of a socket has to be short
        self.log_file = folder / "sshd.log"
        self.host_keys = [keygen(folder / f"host_{kind}", kind) for kind in kinds]
        self.identity = keygen(folder / "id")
        (folder / "authorized_keys").write_text((folder / "id.pub").read_text())
        self.known_hosts = folder / "known_hosts"
        self.config = folder / "ssh_config"
        self._shell, self._lines, self._replace, self._disk = shell, lines, replace or {}, disk
        self._within, self._user = within, user
        self.trust()
        self.write_config()
        self.start()

    def trust(self, *keys: Path) -> None:
        """Writes the known_hosts file, with the host's own keys or those given."""
        self.known_hosts.write_text("".join(self.known_line(key) for key in keys or self.host_keys))

    def known_line(self, key: Path, name: str = "") -> str:
        """A line of known_hosts."""
        kind, blob, *_ = key.with_suffix(".pub").read_text().split()
        return f"{name or f'[127.0.0.1]:{self.port}'} {kind} {blob}\n"

    def write_config(self, more: str = "", name: str = "box") -> None:
        """Writes the client's configuration; lines of `more` come first, so they win."""
        self.config.write_text(
            f"{more}\nHost {name}\n  HostName 127.0.0.1\n  Port {self.port}\n  IdentityFile {self.identity}\n"
            f"{f'  User {self._user}' if self._user else ''}\n"
            f"Host *\n  IdentitiesOnly yes\n  UserKnownHostsFile {self.known_hosts}\n  GlobalKnownHostsFile none\n"
        )

    def start(self) -> None:
        """Starts it, and returns once it listens."""
        config = self.folder / "sshd_config"
        # After a few failed logins it would refuse the client for some time.
        penalties = "PerSourcePenalties no\n" if knows("PerSourcePenalties=no") else ""
        config.write_text(
            f"{self._lines}\nListenAddress 127.0.0.1:{self.port}\n"
            + "".join(f"HostKey {key}\n" for key in self.host_keys)
            + f"AuthorizedKeysFile {self.folder}/authorized_keys\nStrictModes no\nUsePAM no\nPidFile none\n"
            f'SetEnv "HOME={self.home}" "XDG_DATA_HOME=" "TMUX_TMPDIR={self.tmux}"\n'
            f"LogLevel DEBUG1\nMaxStartups 200\nPermitRootLogin yes\n{penalties}"
        )
        command = [*self._within, SSHD, "-D", "-e", "-f", str(config)]
        if mounts := self._mounts():
            command = with_mounts(command, mounts)
        if ROOT_USER:
            os.makedirs("/run/sshd", exist_ok=True)
        before = self.log.count("Server listening")
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=log, start_new_session=True)
        wait_until(
            lambda: self.process.poll() is not None or self.log.count("Server listening") > before, "sshd to listen"
        )
        assert self.process.poll() is None, self.log

    def _mounts(self) -> list[list[str]]:
        """What is mounted for it alone."""
        mounts = bind(self._replace)
        if self._shell:
            mounts += bind(passwd(self.folder / "passwd", shell=self._shell))
        if self._disk:
            data = self.home / ".local/share"
            data.mkdir(parents=True, exist_ok=True)
            mounts.append(["-t", "tmpfs", "-o", f"size={self._disk}", "small", str(data)])
        return mounts

    @property
    def files(self) -> Path:
        """Its home folder as it is seen from here: a disk of its own is mounted nowhere but in its namespace."""
        return Path(f"/proc/{self.process.pid}/root{self.home}") if self._disk else self.home

    def start_again(self, within: Sequence[str]) -> None:
        """Starts it elsewhere, once it has ended with the host that it ran on."""
        self.process.wait(30)
        self._within = within
        self.start()

    def cut(self) -> None:
        """Kills the sessions that it serves, as a network that is gone would end them; it serves on, and what they run
        is left alone. Since OpenSSH 9.8 sessions are programs of their own, and may have children of the same kind.
        """
        for pid in descendants(self.process.pid, "sshd"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends it, and the sessions that it serves."""
        if self.process.poll() is None:
            sessions = descendants(self.process.pid, "sshd")
            self.process.terminate()
            self.process.wait(30)
            for pid in sessions:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)

    @property
    def log(self) -> str:
        """What it has logged so far."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    @property
    def connections(self) -> int:
        """How many connections were made to it."""
        return self.log.count("Connection from ")

    @property
    def commands(self) -> list[str]:
        """The commands that it was asked to run."""
        return re.findall(r"Starting session: command .*", self.log)
