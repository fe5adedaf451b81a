"""A real OpenSSH server on loopback, with a home folder and a client configuration of its own."""

import os
import re
import shlex
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

SSHD = "/usr/sbin/sshd"


def free_port() -> int:
    """A port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], object], what: str, seconds: float = 30) -> None:
    """Returns once `condition` holds; AssertionError if it has not within `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.02)


def keygen(path: Path, kind: str = "ed25519", passphrase: str = "") -> Path:
    """A new key pair."""
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-f", path], check=True)
    return path


class Sshd:
    """An sshd that lets the user of this process in; `shell` is the login shell that it gives them, and `replace` puts
    other files in the place of programs, `/dev/null` for one that it lacks; both take root.

    `config` is an ssh_config for `-S` and `ssh -F`, in which the host is called `box`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        lines: str = "",
        shell: str = "",
        replace: Mapping[str, str] | None = None,
        kinds: tuple[str, ...] = ("ed25519",),
    ) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.home = folder / "home"
        self.home.mkdir(exist_ok=True)
        self.port = free_port()
        self.tmux = Path(tempfile.mkdtemp(prefix="nbfab"))  # the path of a socket has to be short
        self.log_file = folder / "sshd.log"
        self.host_keys = [keygen(folder / f"host_{kind}", kind) for kind in kinds]
        self.identity = keygen(folder / "id")
        (folder / "authorized_keys").write_text((folder / "id.pub").read_text())
        self.known_hosts = folder / "known_hosts"
        self.config = folder / "ssh_config"
        self._shell, self._lines, self._replace = shell, lines, replace or {}
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
            f"Host *\n  IdentitiesOnly yes\n  UserKnownHostsFile {self.known_hosts}\n  GlobalKnownHostsFile none\n"
        )

    def start(self) -> None:
        """Starts it, and returns once it listens."""
        config = self.folder / "sshd_config"
        config.write_text(
            f"{self._lines}\nListenAddress 127.0.0.1:{self.port}\n"
            + "".join(f"HostKey {key}\n" for key in self.host_keys)
            + f"AuthorizedKeysFile {self.folder}/authorized_keys\nStrictModes no\nUsePAM no\nPidFile none\n"
            f'SetEnv "HOME={self.home}" "XDG_DATA_HOME=" "TMUX_TMPDIR={self.tmux}"\n'
            "LogLevel DEBUG1\nMaxStartups 200\nPermitRootLogin yes\n"
        )
        command = [SSHD, "-D", "-e", "-f", str(config)]
        if self._shell or self._replace:
            command = self._changed(command)
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", exist_ok=True)
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=log, start_new_session=True)
        wait_until(lambda: self.process.poll() is not None or "Server listening" in self.log, "sshd to listen")
        assert self.process.poll() is None, self.log

    def _changed(self, command: list[str]) -> list[str]:
        """The command in a mount namespace of its own, with another login shell and without the hidden programs."""
        script = "".join(
            f"mount --bind {shlex.quote(by)} {path} && " for path, by in self._replace.items() if os.path.exists(path)
        )
        if self._shell:
            users = self.folder / "passwd"
            me = f"root:x:0:0:root:/root:{self._shell}"
            users.write_text(re.sub(r"(?m)^root:.*$", me, Path("/etc/passwd").read_text()))
            script += f"mount --bind {shlex.quote(str(users))} /etc/passwd && "
        return ["unshare", "--mount", "sh", "-c", f"{script}exec {shlex.join(command)}"]

    def cut(self) -> None:
        """Kills the sessions that it serves, as a network that is gone would end them; it serves on."""
        children = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True, check=False)
        for pid in children.stdout.split():
            os.kill(int(pid), signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends it, and the sessions that it serves."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(10)

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
