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
NETWORK = (
    "cluster/test_cluster.py",
    "run/test_browser.py",
    "run/test_client_firefox.py",
    "run/test_client_operators.py",
    "run/test_kept.py",
    "run/test_lend.py",
    "run/test_logs.py",
    "run/test_no_warning.py",
    "run/test_open_browser.py",
    "run/test_open_faults.py",
    "run/test_open_fleet.py",
    "run/test_password.py",
    "run/test_wheelhouse.py",
    "server/test_login_page.py",
)
"""Those that make networks, and those with a browser, which gives up what it loads when a network comes or goes."""


def group(nodeid: str) -> str:
    """Those of a file run together, and so do those of all files that meet, or that have to do with networks."""
    file = nodeid.partition("::")[0]
    path = file.removeprefix("tests/")
    return "meet" if path.startswith(MEET) else "network" if path.startswith(NETWORK) else file


def scheduler(config: pytest.Config, log: Any) -> Any:
    """Deals out groups to processes."""
    deals = LoadFileScheduling(config, log)
    deals._split_scope = group
    return deals
