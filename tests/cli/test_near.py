"""What the near end gets from the program whose place it takes."""

import os
import subprocess
import sys

import pytest
from machine import ROOT

CODE = """
import os, sys; sys.path.insert(0, sys.argv[1])
if sys.argv[2] == "pipe" and hasattr(os, "memfd_create"):
    del os.memfd_create
from nbfab.cli import near
from nbfab.tunnel.found import FleetSpec
near._as_input(FleetSpec((), ("x" * 500_000,)))
read = "import sys, os; print(len(sys.stdin.read()))"
os.execv(sys.executable, [sys.executable, "-c", read])
"""


@pytest.mark.parametrize("way", ["memory", "pipe"])
def test_a_fleet_is_passed_on_whole(way: str) -> None:
    """Of which a pipe, as on macOS, has no room for all."""
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(ROOT), way],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=dict(os.environ),
    )
    assert done.stderr == ""
    assert int(done.stdout) > 500_000
