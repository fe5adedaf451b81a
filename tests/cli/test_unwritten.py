"""An output that cannot be written: what was to be done is done and recorded, and one line says what failed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from machine import BIN
from sshd import free_port

FULL = "standard output could not be written: No space left on device"


def run(folder: Path, *command: str, full: str) -> "subprocess.CompletedProcess[str]":
    """A command of nbfab's with an output that is full, `stdout` or `stderr`."""
    env = {"HOME": str(folder), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "NBFAB_PYTHON": sys.executable}
    with open("/dev/full", "wb") as sink:
        return subprocess.run(
            [str(BIN / "nbfab"), *command],
            stdout=sink if full == "stdout" else subprocess.PIPE,
            stderr=sink if full == "stderr" else subprocess.PIPE,
            env=env,
            cwd=folder,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.mark.parametrize("command", ["--list", "--version", "--help", "plan", "plan --json", "install"])
def test_a_full_disk_is_told_in_a_line(tmp_path: Path, command: str) -> None:
    done = run(tmp_path, *command.split(), full="stdout")
    assert done.returncode == 1
    *steps, line = done.stderr.splitlines()
    assert line == f"nbfab: {FULL}"
    assert all(step.startswith("this machine: ") for step in steps)


def test_what_was_done_stays_done_although_no_step_of_it_can_be_told(tmp_path: Path) -> None:
    done = run(tmp_path, "install", full="stderr")
    assert done.returncode == 1
    assert "this machine: changed" in done.stdout
    assert done.stdout.endswith("nbfab: standard error could not be written: No space left on device\n")
    assert "nothing changed" in run(tmp_path, "install", full="stderr").stdout


def test_how_each_host_ended_is_recorded_before_it_is_told(tmp_path: Path) -> None:
    (tmp_path / "hosts.yaml").write_text(f"hosts:\n  box: {{address: 127.0.0.1, ssh_port: {free_port()}}}\n")
    done = run(tmp_path, "fleet.status", full="stdout")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == f"nbfab: {FULL}"
    assert "Traceback" not in done.stderr
    again = run(tmp_path, "fleet.status", "--failed", full="stderr")
    assert "connection refused" in again.stdout
