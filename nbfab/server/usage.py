"""What kernels take: memory and processor time of each, with the processes that it has started, as Linux tells."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any, NamedTuple

SAMPLE = 0.3  # seconds in which the use of the processor is measured


class Process(NamedTuple):
    """A process: its parent, and in clock ticks the processor time it has had, and its start since the boot."""

    parent: int
    used: int
    start: int


async def of_kernels(manager: Any) -> dict[str, dict[str, int]]:
    """What each kernel of a manager takes, by its id; those that no process of this machine is are left out.

    `memory` is in bytes, resident, and counts what processes share once for each; `cpu` in percent of one core;
    `started` in seconds since the epoch.
    """
    pids = {kernel: pid_of(manager.get_kernel(kernel)) for kernel in manager.list_kernel_ids()}
    loop = asyncio.get_running_loop()
    before, began = await loop.run_in_executor(None, processes), time.monotonic()
    await asyncio.sleep(SAMPLE)
    after, seconds = await loop.run_in_executor(None, processes), time.monotonic() - began
    ticks, booted = os.sysconf("SC_CLK_TCK"), boot()
    found = {}
    for kernel, pid in pids.items():
        if pid in after:
            tree = descendants(pid, after)
            used = sum(max(0, after[one].used - before[one].used) for one in tree if one in before)
            found[kernel] = {
                "memory": sum(map(resident, tree)),
                "cpu": int(100 * used / ticks / seconds),
                "started": int(booted + after[pid].start / ticks),
            }
    return found


def pid_of(kernel: Any) -> int:
    """The process of a kernel's manager; 0 if it has none here."""
    of = getattr(kernel, "provisioner", None) or getattr(kernel, "kernel", None)  # the latter before jupyter_client 7
    return getattr(of, "pid", None) or 0


def processes() -> dict[int, Process]:
    """All processes of this machine that can be read, by their numbers; none on another system than Linux."""
    found: dict[int, Process] = {}
    try:
        numbers = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return found
    for pid in numbers:
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()  # proc(5); the name before may hold anything
            found[pid] = Process(int(fields[1]), int(fields[11]) + int(fields[12]), int(fields[19]))
        except (OSError, ValueError, IndexError):
            continue
    return found


def descendants(pid: int, every: dict[int, Process]) -> list[int]:
    """A process, and all that it has started, and those have, which still run."""
    tree = [pid]
    for parent in tree:
        tree += [child for child, of in every.items() if of.parent == parent and child not in tree]
    return tree


def resident(pid: int) -> int:
    """The memory that a process has, in bytes; 0 once it is gone."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def boot() -> int:
    """When this machine was started, in seconds since the epoch; 0 if that is not known."""
    try:
        with open("/proc/stat", "rb") as file:
            return next((int(line.split()[1]) for line in file if line.startswith(b"btime ")), 0)
    except (OSError, ValueError):
        return 0
