"""The Pythons whose notebooks the tests use."""

import subprocess
import sys

import pytest

DEBIAN = "/usr/bin/python3"  # with Debian's package of notebook 6.4, which tests/run.sh installs where it can
NOTEBOOKS = {"notebook 7": f"{sys.prefix}/bin/python", "notebook 6": DEBIAN}


def need(python: str) -> None:
    """Skips a test that needs Debian's notebook 6 where there is none; CI installs it, and fails on a skip."""
    if python == DEBIAN:
        code = "from importlib.metadata import version; print(version('notebook'))"
        found = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False).stdout
        if not found.startswith("6."):
            pytest.skip("Debian's package of notebook 6 is not installed")
