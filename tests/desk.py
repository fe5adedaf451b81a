"""A person's computer, with a trust store of its own: nothing that is done there touches this machine's."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from machine import BIN, Machine
from namespace import ROOT_USER
from roots import bare

CERTIFICATES = Path("/usr/local/share/ca-certificates")
SYSTEMS = {
    "debian": "ID=debian\n",
    "ubuntu": "ID=ubuntu\nID_LIKE=debian\n",
    "alpine": "ID=alpine\n",
    "fedora": "ID=fedora\n",
    "rocky": 'ID="rocky"\nID_LIKE="rhel centos fedora"\n',
    "arch": "ID=arch\n",
    "opensuse": 'ID="opensuse-tumbleweed"\nID_LIKE="opensuse suse"\n',
    "nixos": "ID=nixos\n",
}


class Desk(Machine):
    """Runs `nbfab` where /etc and the certificates of the administrator are copies.

    The user is root, or, if `user`, someone else; `system` is whose /etc/os-release it has. What is in `programs` comes
    first on the PATH; stand-ins write their arguments to `log`.
    """

    def __init__(self, folder: Path, *, user: bool = False, system: str = "debian") -> None:
        super().__init__(folder, program=f"{BIN}/nbfab")
        self.user = user
        self.log = folder / "log"
        self.programs = folder / "programs"
        self.programs.mkdir()
        self.data = self.home / ".local/share"
        self.env = bare(self.env) | {"HOME": str(self.home), "LOG": str(self.log)}
        self.env["PATH"] = f"{self.programs}:{self.env['PATH']}"
        self.etc, self.certificates, self.var = (folder / name for name in ("etc", "certificates", "var"))
        for place in (self.certificates, self.var):
            place.mkdir()
        # What this user cannot read is not copied, and is not needed.
        subprocess.run(["cp", "-a", "/etc", self.etc], capture_output=True, check=False)
        (self.etc / "os-release").unlink()
        (self.etc / "os-release").write_text(SYSTEMS[system])

    def within(self, *command: str, root: bool = True) -> list[str]:
        """A command, there."""
        if not CERTIFICATES.is_dir():
            pytest.skip(f"takes {CERTIFICATES}, of Debian's package ca-certificates")
        mounts = {self.etc: "/etc", self.certificates: str(CERTIFICATES), self.var: "/var/lib"}
        lines = " && ".join(f"mount --bind '{own}' {path}" for own, path in mounts.items())
        other = [] if root else ["unshare", "--map-user=1000", "--map-group=1000", "--"]
        how = ["--mount"] if ROOT_USER else ["--mount", "--map-root-user"]
        return ["unshare", *how, "sh", "-c", f'{lines} && exec "$@"', "sh", *other, *command]

    def command(self, *args: str) -> list[str]:
        """The command line of a task."""
        return self.within(*super().command(*args), root=not self.user)

    def shell(self, line: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Types a line into a shell, as root if it says sudo."""
        return subprocess.run(
            self.within("sh", "-c", line),
            env=self.env | env,
            cwd=self.work,
            capture_output=True,
            text=True,
            check=False,
        )

    def stand_in(self, name: str, text: str = "") -> None:
        """A program that writes down how it was called, and does `text`."""
        file = self.programs / name
        file.write_text(f'#!/bin/sh\necho "{name} $*" >> "$LOG"\n{text}\n')
        file.chmod(0o755)

    @property
    def calls(self) -> list[str]:
        """How the stand-ins were called since this was asked last."""
        text = self.log.read_text() if self.log.exists() else ""
        self.log.unlink(missing_ok=True)
        return [line.rstrip() for line in text.splitlines()]


def database(folder: Path) -> Path:
    """Makes an empty database of NSS."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["certutil", "-d", f"sql:{folder}", "-N", "--empty-password"], check=True)
    return folder


def trusted(folder: Path) -> Mapping[str, str]:
    """What a database lists: nicknames, and the flags that each has."""
    listed = subprocess.run(["certutil", "-d", f"sql:{folder}", "-L"], capture_output=True, text=True, check=True)
    rows = (line.rstrip().rpartition(" ") for line in listed.stdout.splitlines()[3:])
    return {name.strip(): flags for name, _, flags in rows if flags.count(",") == 2}


assert shutil.which("certutil"), "these tests need certutil: apt-get install libnss3-tools"
