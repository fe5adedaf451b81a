"""Faults that a test plants on a host, one at a time or together, and takes out again."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from issuers import Issued
from machine import Machine
from namespace import after, without
from processes import lives
from sshd import Sshd, keygen, wait_until
from strays import OPEN, stray

from nbfab.keys import Key
from nbfab.plan import pem

ENDED = 2**22 + 1  # above the highest pid that Linux gives (proc(5), pid_max)


class Patient(Machine):
    """A host over SSH whose server runs, in an environment of its own; what a test plants is taken out again."""

    def __init__(self, folder: Path, env: Path) -> None:
        self.host = Sshd(folder / "host", shell="/bin/bash")
        super().__init__(folder, self.host, "fab")
        self.python = env / "bin/python"
        self.env["NBFAB_PYTHON"] = str(self.python)
        self.port_set = self.port

    def layers(self, *args: str, **env: str) -> list[str]:
        """The layers in which `doctor` finds something, each once."""
        findings = self.json("doctor", *args, **env)["findings"]
        return list(dict.fromkeys(of["layer"] for of in findings if of["state"] == "failed"))

    @contextmanager
    def again(self, script: str = "", **options: object) -> Iterator[None]:
        """Its sshd anew, in a mount namespace where `script` has run, with other options."""
        before = {name: getattr(self.host, name) for name in ("_shell", "_replace", "_within")}
        self.host.stop()
        self.host._shell = str(options.get("shell", self.host._shell))
        self.host._replace = dict(options.get("replace", {}))  # type: ignore[call-overload]
        if script:
            self.host._within = after((), [f"mount -t tmpfs none {self.spare}", script])
        self.host.start()
        try:
            yield
        finally:
            self.host.stop()
            vars(self.host).update(before)
            self.host.start()

    @property
    def spare(self) -> Path:
        """A folder for nothing else."""
        place = self.host.folder / "spare"
        place.mkdir(exist_ok=True)
        return place

    def restart(self) -> None:
        """Starts its server."""
        self.ok("start")


@dataclass(frozen=True)
class Fault:
    """A fault, the layers in which it shows, and what plants it."""

    name: str
    layers: tuple[str, ...]
    plant: Callable[[Patient], AbstractContextManager[object]]
    env: tuple[tuple[str, str], ...] = ()


FAULTS: list[Fault] = []
Planter = Callable[[Patient], Iterator[None]]


def fault(name: str, *layers: str, **env: str) -> Callable[[Planter], Planter]:
    """Adds a fault that a function plants."""

    def add(plant: Planter) -> Planter:
        FAULTS.append(Fault(name, layers, contextmanager(plant), tuple(env.items())))
        return plant

    return add


@contextmanager
def changed(file: Path, text: str | bytes) -> Iterator[None]:
    """Another text in a file, and then what was there before."""
    before = file.read_bytes() if file.exists() else None
    mode = file.stat().st_mode & 0o777 if before is not None else 0o600
    made = [folder for folder in file.parents if not folder.exists()]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    try:
        yield
    finally:
        if before is None:
            file.unlink()
            for folder in made:
                folder.rmdir()
        else:
            file.write_bytes(before)
            file.chmod(mode)


@fault("a name that does not resolve", "name")
def _name(patient: Patient) -> Iterator[None]:
    # No label is that long, so no one is asked.
    with changed(patient.host.config, f"Host box\n  HostName {'x' * 64}.invalid\n{patient.host.config.read_text()}"):
        yield


@fault("sshd refuses connections", "tcp")
def _refused(patient: Patient) -> Iterator[None]:
    patient.host.stop()
    try:
        yield
    finally:
        patient.host.start()


@fault("it hangs up before it speaks SSH", "host key")
def _hangs_up(patient: Patient) -> Iterator[None]:
    patient.host.stop()
    with socket.create_server(("127.0.0.1", patient.host.port)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    listener.accept()[0].close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)
    patient.host.start()


@fault("a host key that has changed", "host key")
def _changed_key(patient: Patient) -> Iterator[None]:
    other = patient.host.folder / "other"
    if not other.exists():
        keygen(other)
    with changed(patient.host.known_hosts, patient.host.known_line(other)):
        yield


@fault("a host key that is not known", "host key")
def _unknown_key(patient: Patient) -> Iterator[None]:
    with changed(patient.host.known_hosts, ""):
        yield


@fault("a key that the host does not take", "login")
def _denied(patient: Patient) -> Iterator[None]:
    with changed(patient.host.folder / "authorized_keys", ""):
        yield


@fault("an account that may not log in", "login shell")
def _nologin(patient: Patient) -> Iterator[None]:
    with patient.again(shell="/usr/sbin/nologin"):
        yield


@fault("a login shell that prints something", "login shell")
def _noisy(patient: Patient) -> Iterator[None]:
    with changed(patient.home / ".bashrc", "echo Welcome to the cluster\n"):
        yield


@fault("a login shell that takes long", "login shell")
def _slow(patient: Patient) -> Iterator[None]:
    with changed(patient.home / ".bashrc", "sleep 5.5\n"):
        yield


@fault("a home folder that is read-only", "home")
def _read_only(patient: Patient) -> Iterator[None]:
    with patient.again(f"mount --bind -o ro {patient.home} {patient.home}"):
        yield


@fault("a home folder where nothing may be run", "home")
def _noexec(patient: Patient) -> Iterator[None]:
    with patient.again(f"mount --bind -o noexec {patient.home} {patient.home}"):
        yield


def _small(patient: Patient, options: str) -> str:
    """Makes the folder of the profiles a copy of itself on a file system that is small."""
    base, spare = patient.folder.parent, patient.spare
    return f"cp -a {base}/. {spare}/ && mount -t tmpfs -o {options} small {base} && cp -a {spare}/. {base}/"


@fault("a full disk", "home")
def _full(patient: Patient) -> Iterator[None]:
    with patient.again(_small(patient, "size=4m")):
        yield


@fault("a disk without inodes", "home")
def _no_inodes(patient: Patient) -> Iterator[None]:
    with patient.again(_small(patient, "size=400m,nr_inodes=600")):
        yield


@fault("an environment that is gone", "python")
def _no_python(patient: Patient) -> Iterator[None]:
    gone = patient.python.with_name("python.gone")
    patient.python.rename(gone)
    try:
        yield
    finally:
        gone.rename(patient.python)


@fault("an environment that is broken", "python")
def _broken(patient: Patient) -> Iterator[None]:
    (packages,) = patient.python.parents[1].glob("lib/python*/site-packages")
    own, away = packages / "ipykernel", packages / "ipykernel.away"
    own.rename(away)
    own.mkdir()
    (own / "__init__.py").write_text("raise ImportError('libzmq.so.5: cannot open shared object file')\n")
    try:
        yield
    finally:
        shutil.rmtree(own)
        away.rename(own)


@fault("no tmux", "tmux")
def _no_tmux(patient: Patient) -> Iterator[None]:
    with patient.again(replace=without("tmux")):
        yield


@fault("a newer nbfab's profile", "versions")
def _newer(patient: Patient) -> Iterator[None]:
    file = patient.folder / "choices"
    with changed(file, file.read_text().replace("nbfab 0.", "nbfab 9.")):
        yield


@fault("a configuration that was changed by hand", "settings")
def _by_hand(patient: Patient) -> Iterator[None]:
    file = patient.folder / "jupyter_server_config.py"
    with changed(file, file.read_text() + "c.ServerApp.disable_check_xsrf = True\n"):
        yield


@fault("a file of Jupyter's that overrides settings", "settings")
def _overrides(patient: Patient) -> Iterator[None]:
    text = json.dumps({"ServerApp": {"disable_check_xsrf": True}})
    with changed(patient.folder / "jupyter/jupyter_config.json", text):
        yield


@fault("a variable that hides packages", "settings")
def _variable(patient: Patient) -> Iterator[None]:
    with changed(patient.home / ".bashrc", f"export PYTHONPATH={patient.home}/lib\n"):
        yield


@fault("a variable here that says another port", "settings", NBFAB_PORT="1234")
def _other_port(patient: Patient) -> Iterator[None]:
    yield


@fault("a certificate that has expired", "certificate")
def _expired(patient: Patient) -> Iterator[None]:
    with _certified(patient, now=time.time() - 40 * 86400, days=10):
        yield


@fault("a certificate for other names", "certificate")
def _other_names(patient: Patient) -> Iterator[None]:
    with _certified(patient, names=("other.example.org", "localhost")):
        yield


@contextmanager
def _certified(patient: Patient, *, names: tuple[str, ...] = (), now: float = 0, days: int = 365) -> Iterator[None]:
    file = patient.folder / "nbserver.pem"
    have = pem.load(file.read_text())
    assert have
    now = now or time.time()
    with changed(file, pem.make(names or pem.names_in(have), days, now, now, Key.new())):
        yield


@fault("a certificate of an authority that this machine does not know", "certificate")
def _foreign(patient: Patient) -> Iterator[None]:
    have = pem.load((patient.folder / "nbserver.pem").read_text())
    assert have
    leaf = Issued.root().issue("box", pem.names_in(have))
    with changed(patient.folder / "nbserver.pem", leaf.chain + leaf.secret()):
        yield


@fault("a key that others can read", "certificate")
def _exposed(patient: Patient) -> Iterator[None]:
    file = patient.folder / "nbserver.pem"
    file.chmod(0o644)
    try:
        yield
    finally:
        file.chmod(0o600)


@fault("a server that was stopped", "server")
def _stopped(patient: Patient) -> Iterator[None]:
    patient.ok("stop")
    yield
    patient.restart()


@fault("a server that was killed", "server", "stale files")
def _killed(patient: Patient) -> Iterator[None]:
    runner, pid, *_ = (patient.folder / "started").read_text().split()
    for each in (int(runner), int(pid)):
        os.kill(each, signal.SIGKILL)
    wait_until(lambda: not lives(int(pid)), "the server to end")
    yield
    patient.restart()
    (patient.folder / f"runtime/jpserver-{pid}.json").unlink()


@fault("a server that does not answer", "server")
def _hangs(patient: Patient) -> Iterator[None]:
    pid = patient.server
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@fault("a port that another program has taken", "port", "server")
def _taken(patient: Patient) -> Iterator[None]:
    patient.ok("stop")
    code = (
        "import socket, sys; s = socket.create_server(('', int(sys.argv[1]))); print('', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(patient.port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout
        other.stdout.readline()
        yield
        other.communicate()
    patient.restart()


@fault("a kernel whose program is gone", "kernels")
def _kernel(patient: Patient) -> Iterator[None]:
    text = json.dumps({"argv": ["/opt/gone/bin/python", "-m", "ipykernel"], "display_name": "gone"})
    with changed(patient.home / ".local/share/jupyter/kernels/gone/kernel.json", text):
        yield


@fault("a low limit of open files", "limits")
def _limit(patient: Patient) -> Iterator[None]:
    pid = str(patient.server)
    asked = ["prlimit", "--pid", pid, "--nofile", "--raw", "--noheadings", "--output", "SOFT,HARD"]
    soft, hard = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()
    subprocess.run(["prlimit", "--pid", pid, f"--nofile=256:{hard}"], check=True)
    try:
        yield
    finally:
        subprocess.run(["prlimit", "--pid", pid, f"--nofile={soft}:{hard}"], check=True)


LEFT = {
    "a file of a server that has ended": (f"runtime/jpserver-{ENDED}.json", "{}"),
    "a lock of a run that was cut": ("lock/holder", f"{ENDED} 1\n"),
    "a key that was being written when a run was cut": (f"nbserver.pem.new.{ENDED}", "-----BEGIN PRIVATE KEY-----\n"),
    "the environment for a start that was cut": ("environ", "TOKEN=canary"),
    "a note that a server is to stay down, which runs": ("stopping", ""),
}


def _leaves(file: str, text: str) -> Planter:
    def plant(patient: Patient) -> Iterator[None]:
        with changed(patient.folder / file, text):
            yield

    return plant


for _what, (_file, _text) in LEFT.items():
    fault(_what, "stale files")(_leaves(_file, _text))


@fault("a Jupyter server without a password", "others")
def _open_to_all(patient: Patient) -> Iterator[None]:
    with stray(patient.spare, *OPEN):
        yield
