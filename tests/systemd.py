"""A systemd of its own, as process 1 of namespaces: with logind, and with polkit or without."""

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Self

import pytest
from namespace import ROOT_USER
from processes import children
from sshd import wait_until

SYSTEMD = "/usr/lib/systemd/systemd"
UID = 4242
UNITS = {
    # Nothing of this machine is touched at such a boot: no file system, device, kernel module.
    "sysinit.target": "[Unit]\nDefaultDependencies=no\n",
    "nbfab.target": "[Unit]\nRequires={services}\nAfter={services}\n",
    "cron.service": "[Service]\nExecStart=/usr/sbin/cron -f\n",
    "systemd-logind.service": "[Unit]\nRequires=dbus.socket\nAfter=dbus.socket\n"
    "[Service]\nExecStart=/lib/systemd/systemd-logind\nBusName=org.freedesktop.login1\n",
}
BOOT = """
set -e
mount --make-rprivate /
mount -t proc proc /proc
mount -t tmpfs tmpfs /run
mkdir /run/lock /run/sshd
mount --bind "$1/state" /var/lib/systemd
if [ -d "$1/crontabs" ]; then mount --bind "$1/crontabs" /var/spool/cron/crontabs; fi
for place in /etc/systemd/system /lib/systemd/system/sysinit.target.wants; do
	mount -t tmpfs tmpfs $place
done
while umount /sys/fs/cgroup 2>/dev/null; do :; done
mount -t cgroup2 cgroup2 /sys/fs/cgroup
cp "$1"/units/* /etc/systemd/system
[ "$2" = yes ] || ln -s /dev/null /etc/systemd/system/polkit.service
mount --bind "$1/passwd" /etc/passwd
mount --bind "$1/logind.conf" /etc/systemd/logind.conf
export container=nbfab
exec "$3" --system --show-status=no --log-target=console --unit=nbfab.target
"""


class Systemd:
    """A booted system that has one more user, `user`, whose home folder is `home`.

    `logind` are lines of its logind.conf. Without `polkit`, users may not let themselves linger; with `cron`, there are
    crontabs of its own, and a daemon that reads them.
    """

    user = "lodger"

    def __init__(self, logind: str, *, polkit: bool, cron: bool = False) -> None:
        if not ROOT_USER:
            pytest.skip("takes root: a process 1 mounts")
        # The folder of a test is closed to other users.
        self.folder = Path(tempfile.mkdtemp(prefix="nbfab"))
        self.folder.chmod(0o755)
        self.home = self.folder / "home"
        self.home.mkdir()
        os.chown(self.home, UID, UID)
        for name in ("units", "state"):
            (self.folder / name).mkdir()
        services = "dbus.service systemd-logind.service"
        if cron:
            services += " cron.service"
            (self.folder / "crontabs").mkdir()
            shutil.chown(self.folder / "crontabs", group="crontab")
            (self.folder / "crontabs").chmod(0o1730)
        for name, text in UNITS.items():
            (self.folder / "units" / name).write_text(text.format(services=services))
        (self.folder / "logind.conf").write_text(f"[Login]\n{logind}\n")
        own = f"{self.user}:*:{UID}:{UID}::{self.home}:/bin/sh\n"
        (self.folder / "passwd").write_text(Path("/etc/passwd").read_text() + own)
        self._group = _groups() / f"nbfab-{os.getpid()}-{self.folder.name}"
        self._polkit = polkit
        self.boot()

    def boot(self) -> None:
        """Boots it, with what it has kept."""
        self._group.mkdir()
        boot = ["sh", "-c", BOOT, "sh", str(self.folder), "yes" if self._polkit else "no", SYSTEMD]
        namespaces = ["unshare", "--pid", "--fork", "--kill-child", "--mount", "--uts", "--ipc", "--cgroup"]
        enter = f"echo $$ >{self._group}/cgroup.procs; exec {shlex.join([*namespaces, *boot])}"
        with open(self.folder / "log", "wb") as log:
            self._process = subprocess.Popen(
                ["sh", "-c", enter], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        wait_until(lambda: self._process.poll() is not None or self._runs(), "systemd to boot")
        assert self._process.poll() is None, (self.folder / "log").read_text()

    @property
    def within(self) -> list[str]:
        """What a command begins with that runs there."""
        return ["nsenter", "--target", str(children(self._process.pid)[0]), "--all", "--"]

    def run(self, *command: str) -> str:
        """What a command prints there, whether it fails or not."""
        done = subprocess.run([*self.within, *command], capture_output=True, text=True, timeout=60, check=False)
        return done.stdout + done.stderr

    def _runs(self) -> bool:
        return bool(children(self._process.pid)) and "active" in self.run(
            "systemctl", "is-active", "nbfab.target"
        ).split("\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.kill()

    def kill(self) -> None:
        """Ends it as a power failure would."""
        for pid in children(self._process.pid):
            os.kill(pid, signal.SIGKILL)  # and with process 1 all that runs there
        self._process.wait(30)
        for folder in sorted(self._group.rglob("*/"), reverse=True):
            folder.rmdir()
        wait_until(lambda: not (self._group / "cgroup.procs").read_text(), "its processes to end")
        self._group.rmdir()


def _groups() -> Path:
    """Where cgroups are made."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    return next(Path(place) for _, place, kind, *_ in mounts if kind == "cgroup2")
