"""What is looked at around a server: memory, disks and GPUs of the host, and the other profiles."""

import json
import os
import runpy
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from machine import ROOT
from planted import ENDED
from processes import start_of
from shells import each_shell, records, run, stub
from sshd import wait_until

from nbfab.look.around import MIB, Gpu, Machine, Profile
from nbfab.look.facts import FACTS
from nbfab.program import call, functions, source

ALL = functions(*(f"look/{name}" for name in ("json", "process", "left", "around", "others", "look")))
PROBE = ROOT / "nbfab/look/around_probe.py"
A100 = "0, NVIDIA A100-SXM4-40GB, 40960, 28672, 35"


def machine(value: Any) -> Machine:
    """What facts make of it."""
    parsed: Machine = FACTS["around.machine"].metadata["parse"](value)
    return parsed


def probed(folder: Path, smi: str = "", **env: str) -> Machine:
    """What the program prints, with a stand-in for nvidia-smi."""
    if smi:
        stub(folder, "nvidia-smi", smi)
    path = {"PATH": f"{folder}:{os.environ['PATH']}"}
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", PROBE.read_text(), str(folder / "not/yet"), str(folder)],
        capture_output=True,
        text=True,
        env={**os.environ, **path, **env},
        check=True,
        timeout=60,
    )
    return machine(json.loads(done.stdout))


@pytest.mark.parametrize(
    ("blocks", "available", "free"), [(100, 30, 30), (100, 101, 100), (100, (1 << 64) - 5, 0), (0, 0, 0)]
)
def test_a_disk_of_any_file_system_makes_sense(
    blocks: int, available: int, free: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = runpy.run_path(str(PROBE))["disk"]
    monkeypatch.setattr(os, "statvfs", lambda path: SimpleNamespace(f_blocks=blocks, f_bavail=available, f_frsize=4096))
    (seen,) = machine({"disks": [{"folder": "/x", **disk("/")}]}).disks
    assert (seen.total, seen.free) == (blocks * 4096, free * 4096)


def test_memory_and_disks_are_those_of_this_machine(tmp_path: Path) -> None:
    seen = probed(tmp_path)
    assert seen.memory
    row = Path("/proc/meminfo").read_text().splitlines()[0].split()
    assert 0 < seen.memory.free <= seen.memory.total <= int(row[1]) * 1024
    room = os.statvfs(tmp_path)
    assert [(disk.folder, disk.total) for disk in seen.disks] == [
        (str(tmp_path / "not/yet"), room.f_blocks * room.f_frsize),
        (str(tmp_path), room.f_blocks * room.f_frsize),
    ]
    assert (seen.gpus, seen.fails) == (None, "")


def test_gpus_are_what_nvidia_smi_lists(tmp_path: Path) -> None:
    mig = "1, NVIDIA A100-SXM4-40GB, 40960, 0, [N/A]"
    lost = "2, Quadro P400, [Unknown Error], [Unknown Error], 0"
    seen = probed(tmp_path, f'printf "%s\\n" "$*" >{tmp_path}/asked\nprintf "{A100}\\n{mig}\\n{lost}\\n"')
    assert seen.gpus == (
        Gpu(0, "NVIDIA A100-SXM4-40GB", 40960 * MIB, 12288 * MIB, 35),
        Gpu(1, "NVIDIA A100-SXM4-40GB", 40960 * MIB, 40960 * MIB, -1),
        Gpu(2, "Quadro P400", 0, 0, 0),
    )
    asked = "--query-gpu=index,name,memory.total,memory.used,utilization.gpu --format=csv,noheader,nounits\n"
    assert (tmp_path / "asked").read_text() == asked


@pytest.mark.parametrize(
    ("smi", "why"),
    [
        ("exec sleep 60", "has not answered after 5 seconds"),
        ("sleep 60 & sleep 60", "has not answered after 5 seconds"),
        (
            "echo 'NVIDIA-SMI has failed because it could not communicate with the driver.'; exit 9",
            "ends with status 9: NVIDIA-SMI has failed because it could not communicate with the driver.",
        ),
        ("exit 3", "ends with status 3: without a word"),
        ("echo hello; echo world", "prints what makes no sense: hello"),
        ("head -c 3000000 /dev/zero | tr '\\0' x", None),
        ("exec yes", None),
    ],
)
def test_a_driver_that_does_not_work_is_named_in_time(tmp_path: Path, smi: str, why: str | None) -> None:
    begun = time.monotonic()
    seen = probed(tmp_path, smi)
    assert time.monotonic() - begun < 15
    assert seen.gpus == ()
    assert seen.memory
    assert seen.fails == why if why else seen.fails
    if smi.endswith("sleep 60"):
        wait_until(lambda: not any(_is_left(pid, tmp_path) for pid in os.listdir("/proc")), "it to be killed")


def _is_left(pid: str, folder: Path) -> bool:
    try:
        return (
            pid.isdigit() and f"{folder}/nvidia-smi" in Path(f"/proc/{pid}/cmdline").read_text() and bool(start_of(pid))
        )
    except OSError:
        return False


def group(root: Path, path: str, **files: str) -> None:
    """A group of processes."""
    folder = root / "sys/fs/cgroup" / path
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("_DOT_", ".")).write_text(f"{text}\n")


@pytest.mark.parametrize(
    ("own", "groups", "memory"),
    [
        ("0::/", {}, (8000, 5000, False)),
        ("0::/job", {"job": ("max", "700", "inactive_file 0")}, (8000, 5000, False)),
        ("0::/a/b", {"a": ("1024000", "512000", "inactive_file 102400"), "a/b": ("max", "1", "")}, (1000, 600, True)),
        ("0::/job", {"": ("2048000", "2048000", "")}, (2000, 0, True)),
        ("0::/job", {"job": ("99999999999", "1", "")}, (8000, 5000, False)),
        ("0::/job", {"job": ("nonsense", "1", "")}, (8000, 5000, False)),
    ],
    ids=["none", "no limit", "of the one above", "of the root", "above all there is", "nonsense"],
)  # fmt: skip
def test_the_limit_of_a_group_counts(
    tmp_path: Path, own: str, groups: dict[str, tuple[str, str, str]], memory: tuple[int, int, bool]
) -> None:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/meminfo").write_text("MemTotal: 8000 kB\nMemFree: 10 kB\nMemAvailable: 5000 kB\n")
    (tmp_path / "proc/self/cgroup").write_text(f"{own}\n")
    for path, (most, used, stat) in groups.items():
        group(tmp_path, path, memory_DOT_max=most, memory_DOT_current=used, memory_DOT_stat=stat)
    seen = runpy.run_path(str(PROBE))["memory"](str(tmp_path), "self")
    assert (seen["total"] // 1024, seen["free"] // 1024, seen["limited"]) == memory


def test_the_limit_of_a_group_of_the_first_kind_counts(tmp_path: Path) -> None:
    (tmp_path / "proc/7").mkdir(parents=True)
    (tmp_path / "proc/meminfo").write_text("MemTotal: 8000 kB\nMemAvailable: 5000 kB\n")
    (tmp_path / "proc/7/cgroup").write_text("4:memory:/slurm\n3:cpu:/slurm\n0::/\n")
    group(tmp_path, "memory", memory_DOT_limit_in_bytes=str(2**63 - 4096), memory_DOT_usage_in_bytes="9")
    group(tmp_path, "memory/slurm", memory_DOT_limit_in_bytes="1024000", memory_DOT_usage_in_bytes="24000")
    seen = runpy.run_path(str(PROBE))["memory"](str(tmp_path), "7")
    assert (seen["total"], seen["free"], seen["limited"]) == (1024000, 1000000, True)


@each_shell
def test_the_other_profiles(shell: tuple[str, ...], tmp_path: Path) -> None:
    for name in ("nbserver", "lab", "old", "usual"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.sh").touch()
    (tmp_path / "notes").mkdir()
    (tmp_path / "lab/choices").write_text(
        "nbfab 0.2.0\ndirectory flag /port flag 1\nport inventory#0123456789ab 8801\n"
    )
    (tmp_path / "lab/started").write_text(f"1 {os.getpid()} {start_of(os.getpid())} digest 7\n")
    (tmp_path / "old/choices").write_text("nbfab 0.2.0\nport flag 123456789\n")
    (tmp_path / "old/started").write_text(f"1 {ENDED} 5 digest 7\n")
    named = {"base": str(tmp_path), "profile": "nbserver", "folder": str(tmp_path / "nbserver")}
    calls = call("look_around", directory="", alive="", pid="", around_probe=PROBE.read_text(), **named)
    found = {name: value for record in records(run(shell, ALL + calls)) for name, value in record.items()}
    assert FACTS["around.profiles"].metadata["parse"](found["around.profiles"]) == (
        Profile("lab", 8801, running=True),
        Profile("old", 9999, running=False),
        Profile("usual", 9999, running=False),
    )
    assert machine(found["around.machine"]).memory
    assert source("look/around_probe.py") == PROBE.read_text()


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["total", "free", "text", "fails", "folder"]), inner)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["memory", "disks", "gpus"]), ANYTHING))
def test_whatever_a_host_says_becomes_facts_or_an_error(value: Any) -> None:
    try:
        seen = machine(value)
    except ValueError:
        return
    assert seen.memory is None or 0 <= seen.memory.free <= seen.memory.total
    assert all(0 <= disk.free <= disk.total for disk in seen.disks)


@given(st.text(max_size=200) | st.from_regex(r"[0-9]{1,4}, [^,\n]{1,120}, [0-9]{1,10}, [0-9]{1,10}, [0-9]{1,4}"))
def test_whatever_nvidia_smi_prints_becomes_gpus_or_none(text: str) -> None:
    seen = machine({"memory": None, "disks": [], "gpus": {"text": text, "fails": ""}})
    assert seen.gpus is not None
    assert all(0 <= gpu.free <= gpu.total for gpu in seen.gpus)
