"""What processes take: memory, and processor time."""

import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from cuts import name_of, within
from hosts import Hosts

TICK = os.sysconf("SC_CLK_TCK")
BARE = [sys.executable, "-ISB", "-c", "import asyncio, ssl, sys; print(flush=True); sys.stdin.read()"]


def memory(pid: int) -> tuple[float, float]:
    """Of a process in MB: its proportional share (PSS), and what is its own alone (USS)."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = {name: int(kilobytes) for name, kilobytes in re.findall(r"(?m)^(\w+): +(\d+) kB", text)}
    return found["Pss"] * 1024 / 1e6, (found["Private_Clean"] + found["Private_Dirty"]) * 1024 / 1e6


@contextlib.contextmanager
def bare() -> Iterator[int]:
    """A Python that has imported asyncio and ssl, and waits."""
    with subprocess.Popen(BARE, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        time.sleep(0.5)
        yield process.pid
        process.communicate()


def processor(hosts: Hosts, named: dict[str, int]) -> dict[str, float]:
    """The processor time in seconds of those processes, and of all ssh here and sshd there, since they began."""
    times = {name: _seconds(pid) for name, pid in named.items()}
    for name, pid in (("ssh", hosts.controller), ("sshd", hosts.namespaces[0])):
        times[name] = sum(_seconds(each) for each in within(pid) if name_of(each).startswith(name))
    return times


def _seconds(pid: int) -> float:
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(words[11]) + int(words[12])) / TICK
