"""Hosts in network namespaces of their own, on one bridge, that this machine and the hosts reach each other by.

Takes root, and a kernel with bridges.
"""

import itertools
import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Self

import pytest
from documents import check_document
from fixes import check
from machine import BIN, PASSWORD, Machine, Result, end_servers
from namespace import ROOT_USER
from netns import ip
from processes import lives
from sshd import Sshd, wait_until

_numbers = itertools.count(1)


class Lan:
    """A bridge, and on it as many hosts as are added."""

    def __init__(self) -> None:
        if not ROOT_USER:
            pytest.skip("takes root: network namespaces")
        number, pid = next(_numbers), os.getpid()
        self._bridge, self._mark = f"nbb{pid % 100000}{number}", f"{pid % 100000}{number}"
        self._net = f"10.{100 + number % 100}.{pid % 250}"
        self._made: list[str] = []
        ip("link", "add", self._bridge, "type", "bridge")
        ip("address", "add", f"{self._net}.254/24", "dev", self._bridge)
        ip("link", "set", self._bridge, "up")

    def add(self) -> tuple[str, str]:
        """A new namespace, and its address."""
        number = len(self._made) + 1
        name, address = f"nbl{self._mark}-{number}", f"{self._net}.{number}"
        here, there = f"nbv{self._mark}{number}", f"nbw{self._mark}{number}"
        ip("netns", "add", name)
        self._made.append(name)
        ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", name)
        ip("link", "set", here, "master", self._bridge, "up")
        ip("-n", name, "link", "set", "lo", "up")
        ip("-n", name, "address", "add", f"{address}/24", "dev", there)
        ip("-n", name, "link", "set", there, "up")
        return name, address

    def device(self, number: int) -> str:
        """What a host's network is called there."""
        return f"nbw{self._mark}{number}"

    def link(self, number: int, state: str) -> None:
        """Has the cable of a host pulled, or put back: `down`, `up`."""
        ip("link", "set", f"nbv{self._mark}{number}", state)

    def slow(self, number: int, rate: str) -> None:
        """A host sends no more than that (tc-tbf(8))."""
        space, device = self._made[number - 1], self.device(number)
        words = ["tc", "-n", space, "qdisc", "replace", "dev", device, "root", "tbf", "rate", rate]
        subprocess.run([*words, "burst", "32kb", "latency", "2s"], check=True)

    def close(self) -> None:
        """Removes it, with its hosts."""
        for name in self._made:
            ip("netns", "delete", name)
        ip("link", "delete", self._bridge)


class LanFleet:
    """Hosts of a Lan, each with an sshd and a home folder, their inventory, and a person who has it.

    `python` is the interpreter of the notebooks.
    """

    def __init__(
        self, folder: Path, count: int, python: Path, stack: ExitStack, disks: Mapping[str, str] | None = None
    ) -> None:
        self.folder, self.python, self._disks = folder, python, disks or {}
        self.lan = Lan()
        stack.callback(self.lan.close)
        self.machine = Machine(folder / "person")
        self.machine.env |= {"NBFAB_PYTHON": str(python), "NBFAB_PORT": "9999"}
        self.work = folder / "work"
        self.work.mkdir()
        self.hosts: dict[str, Sshd] = {}
        self.addresses: dict[str, str] = {}
        self.spaces: dict[str, str] = {}
        stack.callback(self._end)
        for _ in range(count):
            self.add()

    @property
    def inventory(self) -> Path:
        return self.work / "hosts.yaml"

    def add(self) -> str:
        """One more host, which the inventory lists; its name."""
        name = f"h{len(self.hosts) + 1}"
        self.spaces[name], self.addresses[name] = self.lan.add()
        within = ("ip", "netns", "exec", self.spaces[name])
        folder = Path(tempfile.mkdtemp(prefix="nbh"))  # the path of a socket has to be short
        self.hosts[name] = Sshd(
            folder, within=within, lines=f"ListenAddress {self.addresses[name]}:22", disk=self._disks.get(name, "")
        )
        self._write()
        return name

    def _write(self) -> None:
        self.inventory.write_text("hosts:\n" + "".join(f"  {name}: {{}}\n" for name in self.hosts))
        lines, known = [], []
        for name, sshd in self.hosts.items():
            lines.append(f"Host {name}\n  HostName {self.addresses[name]}\n  IdentityFile {sshd.identity}\n")
            known.append(sshd.known_line(sshd.host_keys[0], self.addresses[name]))
        (self.folder / "known").write_text("".join(known))
        always = f"Host *\n  UserKnownHostsFile {self.folder}/known\n  IdentitiesOnly yes\n  ConnectTimeout 5\n"
        (self.folder / "ssh_config").write_text("".join(lines) + always)

    def command(self, task: str, *args: str) -> list[str]:
        """The command line of a task."""
        return [f"{BIN}/nbfab", "-S", str(self.folder / "ssh_config"), task, *args]

    def run(self, task: str, *args: str, **env: str) -> Result:
        """Runs a task without a terminal."""
        return subprocess.run(
            self.command(task, *args),
            env=self.machine.env | {"NBFAB_PASSWORD": PASSWORD} | env,
            cwd=self.work,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def ok(self, task: str, *args: str) -> str:
        """What a task prints that ends well."""
        done = self.run(task, *args)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def fails(self, task: str, *args: str, status: int = 1) -> str:
        """What a task says that ends with that exit status, and without a traceback."""
        done = self.run(task, *args)
        assert done.returncode == status, done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
        return done.stdout + done.stderr

    def json(self, task: str, *args: str) -> dict[str, dict[str, Any]]:
        """The hosts of a task's JSON document, by name."""
        document = json.loads(self.run(task, *args, "--json").stdout)
        check_document(document)
        check([part for host in document["hosts"] for part in host["fix"]])
        return {host["host"]: host for host in document["hosts"]}

    def profile(self, name: str) -> Path:
        """The profile's folder on a host."""
        return self.hosts[name].files / ".local/share/nbfab/nbserver"

    def within(self, name: str, *words: str, **env: str) -> Result:
        """Runs a command in a host's namespace, in its profile's folder."""
        return subprocess.run(
            ["ip", "netns", "exec", self.spaces[name], *words],
            env={"HOME": str(self.hosts[name].home), "PATH": os.environ["PATH"], **env},
            cwd=self.profile(name),
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    def client(self, name: str, code: str) -> str:
        """What a program prints that has a connected `client`, as a cell of the notebook on that host has it."""
        head = "from distributed import Client\nimport time\nclient = Client()\n"
        config = str(self.profile(name) / "cluster/dask.yaml")
        done = self.within(name, str(self.python), "-c", head + code, DASK_CONFIG=config)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def starts(self, name: str, code: str) -> "subprocess.Popen[str]":
        """The same, as it runs."""
        head = "from distributed import Client\nimport sys\nimport time\nclient = Client()\n"
        return subprocess.Popen(
            ["ip", "netns", "exec", self.spaces[name], str(self.python), "-uc", head + code],
            env={"HOME": str(self.hosts[name].home), "DASK_CONFIG": str(self.profile(name) / "cluster/dask.yaml")},
            cwd=self.profile(name),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def processes(self, name: str) -> dict[int, str]:
        """What runs in a host's namespace, but for sshd: pid and command line."""
        listed = subprocess.run(["ip", "netns", "pids", self.spaces[name]], capture_output=True, text=True, check=True)
        found = {}
        for pid in map(int, listed.stdout.split()):
            with suppress(OSError):
                words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                if words and "sshd" not in words.split()[0]:
                    found[pid] = words
        return found

    def members(self, name: str, *words: str) -> list[int]:
        """The processes of a host that run Dask, those with these words in their command line."""
        every = {pid: line for pid, line in self.processes(name).items() if str(self.python) in line}
        return [pid for pid, line in every.items() if all(word in line for word in words)]

    def ports(self, name: str) -> dict[str, set[int]]:
        """The ports at which something listens on a host, but for sshd and the notebook, by address."""
        done = self.within(name, "ss", "-Hltn")
        found: dict[str, set[int]] = {}
        for line in done.stdout.splitlines():
            address, _, port = line.split()[3].rpartition(":")
            if int(port) not in (22, 9999, self.hosts[name].port):
                found.setdefault(address, set()).add(int(port))
        return found

    def kill_host(self, name: str) -> None:
        """The power goes: everything there ends at once, and nothing says so to the others."""
        number = list(self.hosts).index(name) + 1
        self.lan.link(number, "down")
        for pid in self.processes(name):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not any(map(lives, self.processes(name))), "the host to end")

    def _end(self) -> None:
        end_servers({sshd.files: sshd.tmux for sshd in self.hosts.values()})
        for name, sshd in self.hosts.items():
            sshd.stop()
            for pid in self.processes(name):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def __enter__(self) -> Self:
        return self
