"""Runs on the host: prints as JSON how much memory and disk there is, and what nvidia-smi says of its GPUs.

Called as `python -c CODE PROFILE DIRECTORY [PID]`: the folders whose disks count, and the process whose limits do.
Nothing here is waited for longer than a few seconds: neither a driver nor a file server that hangs. Works with Python
3.8 and later.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time

PATIENCE = 5  # seconds
LARGEST = 20_000  # bytes of what nvidia-smi prints; a GPU takes some 60
QUERY = "index,name,memory.total,memory.used,utilization.gpu"


def first_line(path):
    """The first line of a file; empty if there is none."""
    try:
        with open(path, errors="replace") as file:
            return file.readline(200).strip()
    except OSError:
        return ""


def fields(path):
    """The numbers in a file of lines such as `MemTotal: 1024 kB` or `inactive_file 4096`, by their names."""
    found = {}
    try:
        with open(path, errors="replace") as file:
            for row in file:
                words = row.replace(":", " ").split()
                if len(words) > 1 and words[1].isdigit():
                    found[words[0]] = int(words[1])
    except OSError:
        pass
    return found


def limits(root, pid):
    """The limits of memory of the groups that a process is in, and what each has left, in bytes (cgroups(7))."""
    try:
        with open(f"{root}/proc/{pid}/cgroup", errors="replace") as file:
            rows = [row.strip().split(":", 2) for row in file]
    except OSError:
        return
    for _, controllers, path in (row for row in rows if len(row) == 3):
        if controllers and "memory" not in controllers.split(","):
            continue
        top = root + "/sys/fs/cgroup" + ("/memory" if controllers else "")
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes") if controllers else ("memory.max", "memory.current")
        parts = [part for part in path.split("/") if part and part != ".."]
        for depth in range(len(parts), -1, -1):
            folder = "/".join([top, *parts[:depth]])
            most, used = (first_line(f"{folder}/{name}") for name in names)
            if most.isdigit() and used.isdigit():
                stat = fields(folder + "/memory.stat")
                cached = stat.get("total_inactive_file" if controllers else "inactive_file", 0)
                yield int(most), max(0, int(most) - max(0, int(used) - cached))


def memory(root, pid):
    """How much memory there is, how much of that is free, and whether a group's limit says so; in bytes."""
    known = fields(root + "/proc/meminfo")
    if "MemTotal" not in known:
        return None
    total = known["MemTotal"] * 1024
    free = known.get("MemAvailable", known.get("MemFree", 0)) * 1024
    limited = False
    for most, left in limits(root, pid):
        if most < total:
            total, limited = most, True
        if most < known["MemTotal"] * 1024:
            free = min(free, left)
    return {"total": total, "free": min(free, total), "limited": limited}


def disk(folder):
    """How much the file system of a folder holds, or of the nearest above it that exists, and has free; in bytes."""
    while not os.path.isdir(folder) and folder != os.path.dirname(folder):
        folder = os.path.dirname(folder)
    room = os.statvfs(folder)
    # A quota that is exceeded may make it negative, which some file systems tell as a very large number.
    free = 0 if room.f_bavail >= 1 << 48 else min(room.f_bavail, room.f_blocks)
    return {"total": room.f_blocks * room.f_frsize, "free": free * room.f_frsize}


def gpus():
    """What nvidia-smi prints, and why that is nothing; None if there is no such program."""
    program = shutil.which("nvidia-smi")
    if not program:
        return None
    try:
        process = subprocess.Popen(
            [program, "--query-gpu=" + QUERY, "--format=csv,noheader,nounits"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        return {"text": "", "fails": f"cannot be run: {error.strerror}"}
    said, end = [], time.monotonic() + PATIENCE

    def read():
        size = 0
        while size < LARGEST:
            data = os.read(process.stdout.fileno(), LARGEST)
            if not data:
                return
            said.append(data)
            size += len(data)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    text = b"".join(said).decode("utf-8", "replace")[:LARGEST]
    while process.poll() is None and not thread.is_alive() and time.monotonic() < end:
        time.sleep(0.02)
    if process.poll() is None:
        with contextlib.suppress(OSError):
            os.killpg(process.pid, 9)  # without waiting: a driver that hangs keeps it
        return {"text": "", "fails": f"has not answered after {PATIENCE} seconds"}
    if process.returncode:
        last = (text.strip().splitlines() or ["without a word"])[-1]
        return {"text": "", "fails": f"ends with status {process.returncode}: {last[:300]}"}
    return {"text": text, "fails": ""}


def main(folder, directory, pid):
    """Prints all that is known in time."""
    found = {"memory": None, "gpus": None, "disks": []}
    disks = {}

    def take(name, work):
        found[name] = work()

    def room(path):
        disks[path] = disk(path)

    jobs = [
        threading.Thread(target=take, args=("memory", lambda: memory("", pid or "self")), daemon=True),
        threading.Thread(target=take, args=("gpus", gpus), daemon=True),
        *(threading.Thread(target=room, args=(path,), daemon=True) for path in dict.fromkeys([folder, directory])),
    ]
    for job in jobs:
        job.start()
    end = time.monotonic() + PATIENCE + 2
    for job in jobs:
        job.join(max(0, end - time.monotonic()))
    found["disks"] = [dict(disks[path], folder=path) for path in dict.fromkeys([folder, directory]) if path in disks]
    print(json.dumps(found))
    sys.stdout.flush()
    os._exit(0)  # not waiting for what hangs


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else "")
