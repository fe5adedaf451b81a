"""Machine: what about this machine decides where its programs look for authorities."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path

from nbfab.fix import Command, Fix
from nbfab.records import dataclass

PROGRAMS = (
    "certutil",
    "update-ca-certificates",
    "update-ca-trust",
    "trust",
    "security",
    "curl",
    "python3",
    "node",
    # These go by the database of Chromium.
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "google-chrome-beta"),
    *("brave-browser", "brave", "microsoft-edge", "microsoft-edge-stable", "vivaldi", "vivaldi-stable", "opera"),
)
CHROMIUMS = PROGRAMS[8:]
_INSTALLERS = {
    "debian": "apt-get install",
    "ubuntu": "apt-get install",
    "alpine": "apk add",
    "fedora": "dnf install",
    "rhel": "dnf install",
    "centos": "dnf install",
    "arch": "pacman -S",
    "suse": "zypper install",
    "opensuse": "zypper install",
    "Darwin": "brew install",
}
LONGEST = 60  # seconds for a program


@dataclass(frozen=True)
class Machine:
    """This machine: the user's home folder and environment, the system's IDs, and where programs are."""

    home: Path
    env: Mapping[str, str]
    system: tuple[str, ...]
    is_root: bool
    programs: Mapping[str, str] = field(default_factory=dict)
    has_systemd: bool = False

    def folder(self, variable: str, usual: str) -> Path:
        """A folder of the XDG Base Directory Specification: a relative one is ignored."""
        given = self.env.get(variable, "")
        return Path(given) if os.path.isabs(given) else self.home / usual


@dataclass(frozen=True)
class Result:
    """How a program ended: its output, and why it failed, if it did."""

    output: str
    why: str = ""


def this() -> Machine:
    """This machine."""
    found = {name: path for name in PROGRAMS if (path := shutil.which(name) or _in_sbin(name))}
    return Machine(
        home=Path(os.path.expanduser("~")),
        env=dict(os.environ),
        system=_system(),
        is_root=os.geteuid() == 0,
        programs=found,
        has_systemd=os.path.isdir("/run/systemd/system"),
    )


def installing(machine: Machine, packages: Mapping[str, str], usual: str) -> Fix:
    """The command that installs a package, by the name that it has on this system, or its `usual` one; else words."""
    for system in machine.system:
        if system in _INSTALLERS:
            sudo = "" if machine.is_root or system == "Darwin" else "sudo "
            return (Command(f"{sudo}{_INSTALLERS[system]} {packages.get(system, usual)}"),)
    return (f"install the package {usual}, or what this system calls it",)


def _in_sbin(name: str) -> str:
    """A program where the PATH of a user may not lead to: update-ca-certificates of Debian, say."""
    return next((path for path in (f"/usr/sbin/{name}", f"/sbin/{name}") if os.access(path, os.X_OK)), "")


def _system() -> tuple[str, ...]:
    """The IDs of the system, its own before those that it is like (os-release(5)); Darwin on macOS."""
    if sys.platform == "darwin":
        return ("Darwin",)
    found = {}
    with contextlib.suppress(OSError, UnicodeDecodeError):
        for line in Path("/etc/os-release").read_text().splitlines():
            key, _, value = line.partition("=")
            found[key] = value.strip("\"'")
    return tuple(f"{found.get('ID', '')} {found.get('ID_LIKE', '')}".split())


def run(argv: Sequence[str], env: Mapping[str, str] | None = None) -> Result:
    """Runs a program that gets no terminal, so that it can ask no one."""
    try:
        done = subprocess.run(
            argv,
            env={**(os.environ if env is None else env), "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=LONGEST,
            start_new_session=True,
            cwd="/",  # so that no Python imports a file of the current folder
            check=False,
        )
    except OSError as error:
        return Result("", f"{argv[0]} could not be run: {error.strerror}")
    except subprocess.TimeoutExpired:
        return Result("", f"{argv[0]} did not end within {LONGEST} seconds")
    if done.returncode:
        printed = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        own = [line for line in printed if line.startswith(f"{os.path.basename(argv[0])}: ")]
        usual = f"{argv[0]} ended with exit status {done.returncode}"
        return Result(done.stdout, next(iter((*own, *reversed(printed), usual))))
    return Result(done.stdout)
