"""Which tests run in one process, one after the other, while others run beside them."""

from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

MEET = (
    "doctor/",
    "fleet/test_doctor.py",
    "look/test_others_probe.py",
    "run/test_others.py",
    "run/test_status.py",
    "test_readme.py",
)
"""Files and folders of tests that see every server of this user, or start one that others should not see."""


def group(nodeid: str) -> str:
    """Those of a file run together, and so do those of all files that meet."""
    file = nodeid.partition("::")[0]
    return "meet" if file.removeprefix("tests/").startswith(MEET) else file


def scheduler(config: pytest.Config, log: Any) -> Any:
    """Deals out groups to processes."""
    deals = LoadFileScheduling(config, log)
    deals._split_scope = group
    return deals
