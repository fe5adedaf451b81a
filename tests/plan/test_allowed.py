"""Whether the notebooks get a Python that the project in the file is for."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from plan_cases import MODERN, NEW, after, seen, wanting

from nbfab.errors import HostError
from nbfab.look.environments import Environment
from nbfab.look.facts import Facts
from nbfab.plan import install
from nbfab.plan.asked import Asked, had
from nbfab.plan.steps import STEPS, plan
from nbfab.requirements.requirements import Requirements
from nbfab.resolution import Resolution
from nbfab.wanted import Wanted

OWN = MODERN._replace(source="made", python="/home/ann/.local/share/nbfab/.venv/bin/python", version="3.11.7")
MADE = {"python3": "/usr/bin/python3", "venv": "3.11.2"}  # of a host that has no environment yet


def project(python: str) -> Wanted:
    """What is wanted, with a project that is for that Python."""
    file = Requirements("pyproject.toml", ("six",), python=python)
    return replace(wanting(requirements=Asked.by(file).mark), requirements=file)


def with_(*found: Environment, **more: Any) -> Facts:
    return seen(NEW, environments={"found": found, **more})


def kinds(wanted: Wanted, facts: Facts) -> list[str]:
    """What is done for the packages."""
    return [change.kind for change in install.plan(wanted, facts) if change.kind != "use environment"]


def refusal(wanted: Wanted, facts: Facts) -> HostError:
    with pytest.raises(HostError, match=r"^pyproject\.toml is for Python ") as caught:
        kinds(wanted, facts)
    return caught.value


@pytest.mark.parametrize("python", ["", ">=3.9", "~=3.11", "<3.12,>=3.11", "==3.11.*", ">=3.11.7"])
@pytest.mark.parametrize("facts", [with_(OWN), with_(**MADE | {"venv": "3.11.8"})], ids=["made", "new"])
def test_one_that_it_is_for(python: str, facts: Facts) -> None:
    assert "build environment" in kinds(project(python), facts)


@pytest.mark.parametrize("python", [">=3.12", "<3.11", "==3.10.*", ">=3.11.9"])
@pytest.mark.parametrize(
    ("facts", "gets"),
    [
        (with_(OWN), f"3.11.7 ({OWN.python})"),
        (with_(**MADE), "3.11.2 (/usr/bin/python3)"),
        (with_(uv="/bin/uv", uv_python="3.11.5", **MADE | {"venv": "3.12.0"}), "3.11.5 (the one that uv finds there)"),
    ],
)
def test_one_that_it_is_not_for(python: str, facts: Facts, gets: str) -> None:
    error = refusal(project(python), facts)
    assert str(error) == f"pyproject.toml is for Python {python}, and the notebooks would get {gets}"


@pytest.mark.parametrize(
    ("more", "commands"),
    [
        ({}, [("", "install"), ("", "")]),
        ({"uv": "/bin/uv", "uv_python": "3.11.7"}, [("uv venv --python '>=3.12' ~/nbfab-python", ""), ("", "")]),
        (
            {"found": (OWN, Environment("login", "/new/bin/python", MODERN.packages, version="3.13.0"))},
            [("", "--python=/new/bin/python")],
        ),
    ],
)
def test_what_to_do(more: Mapping[str, Any], commands: list[tuple[str, str]]) -> None:
    fix = refusal(project(">=3.12"), with_(**{"found": (OWN,), **more})).fix
    shown = [str(part) for part in fix if not isinstance(part, str)]
    assert len(shown) == len(commands)
    for part, words in zip(shown, commands, strict=True):
        assert all(word in part for word in words), part


def test_one_of_which_nothing_is_known_until_the_host_has_found_out_what_that_takes() -> None:
    facts, wanted = with_(OWN._replace(version="")), project(">=3.12")
    assert "build environment" in kinds(wanted, facts)
    assert re.search(
        r"would get 3\.11\.7 ", str(refusal(replace(wanted, resolution=Resolution(python="3.11.7")), facts))
    )
    assert "build environment" in kinds(replace(wanted, resolution=Resolution(python="3.12.0")), facts)


def test_the_profile_keeps_what_the_file_is_for() -> None:
    facts = after(with_(OWN), plan(project(">=3.11"), with_(OWN), STEPS))
    assert had(facts).asked.python == ">=3.11"
    kept = wanting(requirements=had(facts).asked.mark)
    assert kinds(kept, facts) == []
    # Once another Python serves, one that is there stays, and another one is not made.
    newer = seen(facts, environments={"found": (OWN._replace(version="3.10.1"),)})
    assert kinds(kept, newer) == []
    refusal(replace(kept, update=True), newer)
    # The same packages for another Python are another request.
    assert "build environment" in kinds(project(">=3.10"), facts)
    refusal(project(">=3.12"), facts)
