"""Times whole commands against each other, in turns, so that whatever else the machine does meets them alike."""

import os
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass
class Times:
    """Of one command: wall time and processor time in seconds a run, and the most memory that it held, in MiB.

    `first` is the wall time of the run before those that count, which may have had more to do.
    """

    first: float = 0.0
    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    memory: float = 0.0


def compare(
    commands: Mapping[str, Sequence[str]], rounds: int, *, env: Mapping[str, str] | None = None, cwd: str | None = None
) -> dict[str, Times]:
    """Runs each command once to warm up and then `rounds` times, in turns. RuntimeError for one that fails."""
    # As on a person's machine: Python keeps what it has compiled.
    env = {name: value for name, value in (env or os.environ).items() if name != "PYTHONDONTWRITEBYTECODE"}
    times = {name: Times() for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            began = time.perf_counter()
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env, cwd=cwd)
            assert process.stdout
            said = process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                raise RuntimeError(f"{name} failed ({process.returncode}): {said.decode(errors='replace')[-2000:]}")
            wall = time.perf_counter() - began
            if number == 0:
                times[name].first = wall
            else:
                times[name].wall.append(wall)
                times[name].processor.append(usage.ru_utime + usage.ru_stime)
                times[name].memory = max(times[name].memory, usage.ru_maxrss / 1024)
    return times


def table(times: Mapping[str, Times], yardstick: str) -> str:
    """A Markdown table: wall time (first, least, median, most), processor time, memory, the ratio to the yardstick."""
    rows = [
        "| command | first s | least s | median s | most s | processor s | memory MiB | ratio |",
        "|---|---|---|---|---|---|---|---|",
    ]
    base = statistics.median(times[yardstick].wall)
    for name, of in times.items():
        median = statistics.median(of.wall)
        figures = [of.first, min(of.wall), median, max(of.wall), statistics.median(of.processor)]
        cells = " | ".join(f"{figure:.3f}" for figure in figures)
        rows.append(f"| {name} | {cells} | {of.memory:.0f} | {median / base:.2f} |")
    return "\n".join(rows)
