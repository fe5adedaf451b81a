"""What the tests of the module in the server share."""

import os

import pytest


@pytest.fixture
def second_uid() -> int:
    """Another user of this machine, as whom a test can run programs."""
    if os.getuid() != 0:
        pytest.skip("only root can run programs as another user")
    return 65534
