"""A place for authorities that is the test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from authorities import home_of


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """The folder of the authorities."""
    with home_of(tmp_path) as folder:
        yield folder
