"""A laptop with nbfab, and one host that it opens: a home folder here, a notebook server there."""

import json
import os
import secrets
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from hosts import Hosts

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent


def free_port() -> int:
    """A port of 127.0.0.1 that is free, where this thread is."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@dataclass
class Laptop:
    """The controlling side of `hosts`, of which it uses the first: as h1 without delay, as w1 with it."""

    hosts: Hosts
    password: str = field(default_factory=lambda: secrets.token_hex(16))

    def __post_init__(self) -> None:
        ssh = self.home / ".ssh"
        ssh.mkdir(parents=True)
        (ssh / "config").write_text(self.hosts.ssh_config.read_text())
        (ssh / "known_hosts").write_text((self.hosts.folder / "known_hosts").read_text())

    @property
    def home(self) -> Path:
        """Its home folder."""
        return self.hosts.folder / "laptop"

    @property
    def env(self) -> dict[str, str]:
        """What programs find in their environment."""
        ours = {"HOME": str(self.home), "NBFAB_PASSWORD": self.password, "NBFAB_PYTHON": sys.executable}
        gone = ("PYTHONDONTWRITEBYTECODE", "DISPLAY", "XDG_STATE_HOME", "TMUX_TMPDIR")
        return {name: value for name, value in os.environ.items() if name not in gone} | ours

    @property
    def there(self) -> Path:
        """The host's home folder."""
        return self.hosts.home(1)

    @property
    def profile(self) -> Path:
        """The profile's folder on the host."""
        return self.there / ".local/share/nbfab/nbserver"

    @property
    def server(self) -> dict[str, str]:
        """What the server has noted of itself: its port, its token."""
        _, pid, *_ = (self.profile / "started").read_text().split()
        return dict(json.loads((self.profile / f"runtime/jpserver-{pid}.json").read_text()))

    def ssh(self, *args: str) -> list[str]:
        """A command line of ssh."""
        return ["ssh", "-F", str(self.hosts.ssh_config), *args]

    def nbfab(self, host: str, *args: str) -> list[str]:
        """A command line of nbfab."""
        return [f"{BIN}/nbfab", "-S", str(self.hosts.ssh_config), "-H", host, *args]

    def runs(self, host: str, *args: str) -> None:
        """Runs a task that has to end well."""
        done = subprocess.run(self.nbfab(host, *args), env=self.env, cwd=self.home, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"nbfab {' '.join(args)}: {done.stdout}{done.stderr}")
