"""Cuts of the way between the laptop and the host, without delay between them."""

import contextlib
import itertools
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from hosts import NEAR, Hosts, address, ip

# What is cut, and for how many seconds.
TEN = ["kill", "rst", "newip:2", "hole:4", "down:5", "rst", "kill", "hole:20", "newip:6", "down:3"]
QUICK = ["kill", "rst", "newip:2", "hole:4", "down:3", "sleep:5"]
MIX = ["kill", "rst", "newip:2", "hole:4", "down:3", "sleep:5", "kill", "hole:12", "newip:4", "down:5"]


class Cuts:
    """Makes cuts one by one."""

    def __init__(self, hosts: Hosts) -> None:
        self._hosts = hosts
        self._ours = 1  # the last number of this side's address
        self._next = itertools.cycle(range(3, 200))

    def make(self, cut: str) -> float:
        """Makes a cut, and undoes it; when that was, by the clock."""
        kind, _, seconds = cut.partition(":")
        {
            "kill": self._kill,
            "rst": self._reset,
            "hole": self._hole,
            "down": self._down,
            "newip": self._move,
            "sleep": self._sleep,
        }[kind](float(seconds or 0))
        return time.time()

    def _kill(self, seconds: float) -> None:
        """The client's ssh is killed."""
        for pid in within(self._hosts.controller):
            if name_of(pid) == "ssh":
                _kill(pid, signal.SIGKILL)

    def _reset(self, seconds: float) -> None:
        """The sessions of the host's sshd are killed."""
        (listener,) = [pid for pid in within(self._hosts.namespaces[0]) if "[listener]" in command_of(pid)]
        for pid in within(self._hosts.namespaces[0]):
            if name_of(pid).startswith("sshd") and pid != listener:
                _kill(pid, signal.SIGKILL)

    def _hole(self, seconds: float) -> None:
        """The router drops all packets in silence, both ways."""
        here, there = f"10.97.0.{self._ours}/32", f"{address(NEAR, 1)}/32"
        ip(self._hosts.router, f"route add blackhole {here}", f"route add blackhole {there}")
        time.sleep(seconds)
        ip(self._hosts.router, f"route del blackhole {here}", f"route del blackhole {there}")

    def _down(self, seconds: float) -> None:
        """This side's interface is down."""
        ip(self._hosts.controller, "link set lan0 down")
        time.sleep(seconds)
        ip(self._hosts.controller, "link set lan0 up", f"route replace {NEAR}.0.0/16 via 10.97.0.2")

    def _move(self, seconds: float) -> None:
        """This side loses its address, and gets another."""
        ip(self._hosts.controller, f"addr del 10.97.0.{self._ours}/24 dev lan0")
        time.sleep(seconds)
        self._ours = next(self._next)
        add = f"addr add 10.97.0.{self._ours}/24 dev lan0"
        ip(self._hosts.controller, add, f"route replace {NEAR}.0.0/16 via 10.97.0.2")

    def _sleep(self, seconds: float) -> None:
        """All of this side's tunnels stand still."""
        pids = [pid for pid in within(self._hosts.controller) if pid not in (os.getpid(), self._hosts.controller)]
        for pid in pids:
            _kill(pid, signal.SIGSTOP)
        time.sleep(seconds)
        for pid in pids:
            _kill(pid, signal.SIGCONT)


def seconds(mix: Sequence[str]) -> float:
    """How long those cuts last in all."""
    return sum(float(cut.partition(":")[2] or 0) for cut in mix)


def within(pid: int) -> list[int]:
    """The processes in the network namespace of a process."""
    found = []
    for other in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (other / "ns/net").samefile(f"/proc/{pid}/ns/net"):
                found.append(int(other.name))
    return found


def name_of(pid: int) -> str:
    """The name of a process."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""


def command_of(pid: int) -> str:
    """The command line of a process."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return ""


def _kill(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
