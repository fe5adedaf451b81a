"""Member: what one host does in a cluster, and with which words it runs Dask's own programs."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import field
from ipaddress import ip_address
from typing import Any, Literal

from nbfab.cluster.ports import FIRST, LAST, MOST, Ports
from nbfab.names import in_url
from nbfab.records import dataclass

Role = Literal["scheduler", "worker"]
ROLES: tuple[Role, ...] = ("scheduler", "worker")
FOLDER = "cluster"
TEMPORARY = f"{FOLDER}/tmp"  # noqa: S108  # in the profile's folder
CA, NODE, CONFIG, CHOSEN = (f"{FOLDER}/{name}" for name in ("ca.pem", "node.pem", "dask.yaml", "chosen.json"))

MEMORY = re.compile(r"auto|0|[1-9][0-9]{0,9}(\.[0-9]{1,3})?( ?[kKMGTP]i?B)?|0?\.[0-9]{1,3}")  # as Dask takes it
AT = re.compile(r"[0-9A-Fa-f.:\[\]]{3,50}:[0-9]{1,5}")  # an address and a port
MOST_THREADS = 1024  # of a worker


def is_place(text: str) -> bool:
    """Whether it is an address and a port, as HOST:PORT."""
    return bool(AT.fullmatch(text)) and int(text.rpartition(":")[2]) < 65536


def is_address(text: str) -> bool:
    """Whether it is the address of a host."""
    try:
        return bool(ip_address(text))
    except ValueError:
        return False


@dataclass(frozen=True)
class Size:
    """How many `workers` a host runs, with how many `threads` and how much `memory` each.

    Without `threads`, they share the host's CPUs, and without `memory`, that of the host.
    """

    workers: int = 1
    threads: int = 0
    memory: str = ""


@dataclass(frozen=True)
class Chosen:
    """What a host keeps of the cluster that it is in, so that a run without flags changes nothing.

    `scheduler` is the name of its host, `at` is where it listens, HOST:PORT, `first` the first of the host's ports, and
    `address` the one that others reach the host by.
    """

    scheduler: str
    at: str
    first: int
    address: str
    size: Size = Size()

    @property
    def is_possible(self) -> bool:
        """Whether a run can have chosen this: a file on a host may say anything."""
        size = self.size
        numbers = 1 <= size.workers <= MOST and 0 <= size.threads <= MOST_THREADS and FIRST <= self.first < LAST
        words = self.scheduler and is_place(self.at) and is_address(self.address)
        return numbers and bool(words) and (not size.memory or MEMORY.fullmatch(size.memory) is not None)

    def text(self) -> str:
        """This as its file has it."""
        return json.dumps({**vars(self), "size": vars(self.size)}, indent=1) + "\n"


def chosen(text: str) -> Chosen | None:
    """What a file says; None if there is none, or it makes no sense."""
    try:
        found = json.loads(text)
        size = Size(int(found["size"]["workers"]), int(found["size"]["threads"]), str(found["size"]["memory"]))
        chosen = Chosen(str(found["scheduler"]), str(found["at"]), int(found["first"]), str(found["address"]), size)
    except (ValueError, LookupError, TypeError, OverflowError, RecursionError):
        return None
    return chosen if chosen.is_possible else None


def link(config: str) -> str:
    """Where the link to the dashboard leads in a configuration; empty if there is none."""
    try:
        return str(json.loads(config)["distributed"]["dashboard"]["link"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""


@dataclass(frozen=True)
class Member:
    """One host of a cluster: its `name` in the inventory, and its `roles`.

    The `authority` and the `certificate`, with its `key`, are PEM. The `dashboard` is where its link leads, as Dask's
    configuration has that.
    """

    name: str
    roles: tuple[Role, ...]
    chosen: Chosen
    authority: str
    certificate: str
    key: str = field(repr=False)
    dashboard: str = ""

    @property
    def ports(self) -> Ports:
        return Ports(self.chosen.first)

    def config(self, folder: str) -> str:
        """Dask's configuration (JSON, which is YAML) for the profile's folder: for members, and for `Client()`."""
        node = {"cert": f"{folder}/{NODE}"}
        tls = {"ca-file": f"{folder}/{CA}", "min-version": 1.3, "scheduler": node, "worker": node, "client": node}
        distributed: dict[str, Any] = {
            "comm": {"default-scheme": "tls", "require-encryption": True, "tls": tls},
            **({"dashboard": {"link": self.dashboard}} if self.dashboard else {}),
        }
        known = {"scheduler-address": f"tls://{self.chosen.at}", "distributed": distributed}
        return json.dumps(known, indent=1, ensure_ascii=False) + "\n"  # YAML does not join surrogates

    def words(self, role: Role) -> Sequence[str]:
        """The arguments of Dask's own program for a role."""
        size, ports = self.chosen.size, self.ports
        if role == "scheduler":
            dashboard = f"127.0.0.1:{ports.dashboard}"
            address = f"tls://{in_url(self.chosen.address)}"
            return ("--host", address, "--port", str(ports.scheduler), "--dashboard-address", dashboard)
        # Without an address for it, a worker that is to have no dashboard opens plain HTTP on all addresses.
        words = {
            "--host": in_url(self.chosen.address),
            "--name": self.name,
            "--nworkers": str(size.workers),
            "--worker-port": _span(ports.workers(size.workers)),
            "--nanny-port": _span(ports.nannies(size.workers)),
            "--dashboard-address": "127.0.0.1:0",
            "--local-directory": TEMPORARY,
            "--death-timeout": "60",  # seconds without the scheduler; then it is started again
            "--nthreads": str(size.threads or ""),
            "--memory-limit": size.memory,
        }
        given = [(name, value) for name, value in words.items() if value]
        return (f"tls://{self.chosen.at}", *(word for pair in given for word in pair), "--no-dashboard")


def _span(ports: tuple[int, int]) -> str:
    """As Dask takes it: a port, or a range for several."""
    first, last = ports
    return str(first) if first == last else f"{first}:{last}"
