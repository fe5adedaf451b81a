"""The program that starts a kernel from a new environment, to see that one does."""

import os
import subprocess
import sys
import time
from pathlib import Path

from machine import ROOT

PROBE = (ROOT / "nbfab/apply/kernel_probe.py").read_text()
# Its process stands still for longer than a heartbeat may take, once it beats.
STALLS = """
import os, signal, time
from ipykernel.kernelapp import IPKernelApp

class Stalled(IPKernelApp):
    def init_kernel(self):
        pid = os.getpid()
        time.sleep(1)  # in which the heartbeat is heard
        if not os.fork():
            time.sleep(4)
            os.kill(pid, signal.SIGCONT)
            os._exit(0)
        os.kill(pid, signal.SIGSTOP)
        super().init_kernel()

Stalled.launch_instance()
"""


def probe(tmp_path: Path, launcher: str) -> subprocess.CompletedProcess[str]:
    """What the probe makes of a kernel that is started so; as it is, if that is empty."""
    if launcher:
        (tmp_path / "ipykernel_launcher.py").write_text(launcher)
    env = os.environ | {"PYTHONPATH": str(tmp_path), "HOME": str(tmp_path)}
    return subprocess.run(
        [sys.executable, "-BI", "-c", PROBE], env=env, capture_output=True, text=True, timeout=100, check=False
    )


def test_a_kernel_that_starts(tmp_path: Path) -> None:
    assert probe(tmp_path, "").returncode == 0


def test_a_kernel_that_a_busy_host_keeps_from_answering_is_waited_for(tmp_path: Path) -> None:
    done = probe(tmp_path, STALLS)
    assert (done.returncode, done.stdout.strip()) == (0, "")


def test_one_that_ends_is_not_waited_for(tmp_path: Path) -> None:
    began = time.monotonic()
    done = probe(tmp_path, "import sys\nsys.exit('it has no wings')")
    assert (done.returncode, done.stdout.strip()) == (1, "it has no wings")
    assert time.monotonic() - began < 60
