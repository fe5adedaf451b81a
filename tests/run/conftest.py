"""What several tests of tasks on one machine share."""

import pytest
from machine import Machine
from pythons import NOTEBOOKS, need


@pytest.fixture(params=NOTEBOOKS)
def machine(request: pytest.FixtureRequest, here: Machine) -> Machine:
    """A machine whose server runs, of each kind."""
    python = NOTEBOOKS[request.param]
    need(python)
    here.env["NBFAB_PYTHON"] = python
    here.ok("setup")
    return here
