"""A fleet of real sshd's, and the inventory and ssh_config that lead to them."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from documents import check_document
from fixes import check
from machine import BIN, Machine, Result, end_servers
from sshd import Sshd, free_port


class Fleet:
    """Hosts by name; `run` runs a task over them with `fab`, without a terminal."""

    def __init__(self, folder: Path, names: list[str], stack: ExitStack, disks: Mapping[str, str]) -> None:
        self.folder = folder
        self.hosts = {name: stack.enter_context(Sshd(folder / name, disk=disks.get(name, ""))) for name in names}
        self.ports = {name: free_port() for name in names}
        self.ways = {name: f"Port {host.port}" for name, host in self.hosts.items()}
        self.known = {name: host.known_line(host.host_keys[0]) for name, host in self.hosts.items()}
        self.inventory = folder / "hosts.yaml"
        self.config = folder / "ssh_config"
        self.work = folder / "work"
        self.work.mkdir()
        self.machine = Machine(folder / "person")
        self.extra: dict[str, str] = {}
        stack.callback(self._end)

    def write(self) -> None:
        """Writes the inventory and the client's configuration as they are to be now."""
        entries = "".join(f"  {name}: {{port: {self.ports[name]}{self.extra.get(name, '')}}}\n" for name in self.hosts)
        self.inventory.write_text(f"defaults: {{python: {sys.executable}}}\nhosts:\n{entries}")
        (self.folder / "known_hosts").write_text("".join(self.known.values()))
        ways = "".join(
            f"Host {name}\n  HostName 127.0.0.1\n  {way}\n  IdentityFile {self.hosts[name].identity}\n"
            for name, way in self.ways.items()
        )
        always = f"UserKnownHostsFile {self.folder}/known_hosts\nIdentitiesOnly yes\nConnectTimeout 3\n"
        self.config.write_text(f"{ways}Host *\n{always}")

    def command(self, task: str, *args: str) -> list[str]:
        """The command line of a task."""
        return [f"{BIN}/nbfab", "-S", str(self.config), f"fleet.{task}", "--inventory", str(self.inventory), *args]

    def run(self, task: str, *args: str, **env: str) -> Result:
        """Runs a task."""
        done = subprocess.run(
            self.command(task, *args),
            env=self.machine.env | env,
            cwd=self.work,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def json(self, task: str, *args: str, **env: str) -> dict[str, dict[str, Any]]:
        """The hosts of the task's JSON document, by name."""
        document = json.loads(self.run(task, *args, "--json", **env).stdout)
        check_document(document)
        check([part for host in document["hosts"] for part in host["fix"]])
        return {host["host"]: host for host in document["hosts"]}

    def profile(self, name: str) -> Path:
        """The profile's folder on a host."""
        return self.hosts[name].files / ".local/share/nbfab/nbserver"

    def execs(self) -> dict[str, int]:
        """How many programs each host was asked to run."""
        return {name: len(host.commands) for name, host in self.hosts.items()}

    def _end(self) -> None:
        end_servers({host.files: host.tmux for host in self.hosts.values()})
        self.machine.close()


def fleet_of(names: list[str], tmp_path: Path, stack: ExitStack, disks: Mapping[str, str] | None = None) -> Fleet:
    """A fleet of hosts with those names, ready to be run over; some have a disk of their own, of that size."""
    fleet = Fleet(Path(tempfile.mkdtemp(dir=tmp_path)), names, stack, disks or {})
    fleet.write()
    return fleet
