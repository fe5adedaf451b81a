"""The step `install`."""

from collections.abc import Mapping
from typing import Any

import pytest
from plan_cases import CLASSIC, LAB, MODERN, NEW, WANTED, seen, wanting

from nbfab.errors import HostError
from nbfab.look.environments import Environment
from nbfab.plan import environment, install

OWN = "/home/ann/.local/share/nbfab/.venv/bin/python"


@pytest.mark.parametrize(
    ("environments", "app", "python", "module"),
    [
        ((MODERN,), "notebook", "/env/bin/python", "notebook"),
        ((LAB, MODERN), "notebook", "/env/bin/python", "notebook"),
        ((LAB,), "notebook", "/lab/bin/python", "jupyterlab"),
        ((CLASSIC,), "notebook", "/usr/bin/python3", "notebook"),
        ((CLASSIC, LAB), "lab", "/lab/bin/python", "jupyterlab"),
        ((CLASSIC, MODERN), "lab", OWN, "jupyterlab"),
        ((), "notebook", OWN, "notebook"),
    ],
)
def test_the_first_environment_that_fits_is_chosen(environments: Any, app: str, python: str, module: str) -> None:
    chosen = install.choose(wanting(app=app), seen(environments={"found": environments}))
    assert (chosen.python, chosen.module) == (python, module)
    assert chosen.classic == (python == CLASSIC.python)


@pytest.mark.parametrize(
    "packages",
    [
        {"notebook": "6.3", "ipykernel": "6"},
        {"notebook": "7.2", "jupyter_server": "2.1"},
        {"jupyterlab": "4", "jupyter_server": "1.9", "ipykernel": "6"},
        {"notebook": "none", "jupyter_server": "", "ipykernel": "6"},
        {},
    ],
)
def test_an_environment_that_cannot_serve_is_left(packages: Mapping[str, str]) -> None:
    assert environment.module(Environment("login", "/x", packages), "notebook") is None


def test_an_environment_that_was_found_is_recorded_once() -> None:
    (change,) = install.plan(WANTED, NEW)
    assert change.kind == "use environment"
    assert change.summary == "use the environment of the login shell's jupyter (/env/bin/python: notebook 7.2)"
    assert change.args == {
        "app": "notebook",
        "python": "",
        "packages": "",
        "source": "login",
        "interpreter": "/env/bin/python",
    }
    assert list(install.plan(WANTED, seen(environments={"remembered": True}))) == []


@pytest.mark.parametrize(("app", "packages"), [("notebook", "notebook>=7"), ("lab", "jupyterlab>=4")])
@pytest.mark.parametrize(
    ("tools", "by"),
    [
        ({"uv": "/usr/bin/uv"}, "uv"),
        ({"python3": "/usr/bin/python3", "venv": "3.9"}, "python3 -m venv"),
        ({"python3": "/usr/bin/python3", "venv": "3.13"}, "python3 -m venv"),
        ({"python3": "/usr/bin/python3", "venv_fails": "No module named 'ensurepip'"}, "uv, which is sent from here"),
    ],
)
def test_an_environment_is_made_where_none_fits(app: str, packages: str, tools: Mapping[str, Any], by: str) -> None:
    (change,) = install.plan(wanting(app=app), seen(environments={"found": (), **tools}))
    assert change.kind == "make environment"
    folder = "/home/ann/.local/share/nbfab/.venv"
    assert change.summary == f"make an environment with {app} and matplotlib in {folder}, by {by}"
    assert change.args == {
        "app": app,
        "python": "",
        "packages": "",
        "requirements": f"{packages} matplotlib pip",
        "keeps": "",
        "wheels": "",
        "sent_uv": "",
        "least": "3.9",
    }


@pytest.mark.parametrize(
    ("facts", "reason", "fix"),
    [
        ({}, "there is no python3 and no uv", "on the host: sudo apt-get install python3 python3-venv"),
        (
            {"host": {"tmux": False}},
            "there is no tmux either",
            "on the host: sudo apt-get install python3 python3-venv tmux",
        ),
        (
            {"host": {"tmux": False}, "environments": {"python3": "/usr/bin/python3", "venv": "3.6"}},
            "it is Python 3.6; there is no tmux either",
            "on the host: sudo apt-get install python3-venv tmux",
        ),
        (
            {"environments": {"python3": "/usr/bin/python3", "venv": "3.6"}},
            "it is Python 3.6",
            "on the host: sudo apt-get install python3-venv",
        ),
        ({"host": {"system": "Linux\nalpine", "uid": "0"}}, "no python3", "on the host: apk add python3"),
        ({"host": {"system": "Linux fedora"}}, "no python3", "on the host: sudo dnf install python3"),
        ({"host": {"system": "Darwin"}}, "no python3", "on the host: brew install python"),
        ({"host": {"system": "Plan9"}}, "no python3", "install python3 on the host with its package manager"),
    ],
)
def test_what_a_new_environment_lacks_is_named(facts: Mapping[str, Any], reason: str, fix: str) -> None:
    with pytest.raises(HostError, match=reason) as error:
        list(install.plan(WANTED, seen(seen(environments={"found": ()}), **facts)))
    assert error.value.hint == fix


@pytest.mark.parametrize(
    ("environments", "reason", "fix"),
    [
        (
            {"found": (), "python_fails": "/x does not exist"},
            "--python /x cannot be used: /x does not exist",
            "name an environment or an interpreter that exists, or leave --python out",
        ),
        (
            {"found": (LAB._replace(packages={}),)},
            "--python /x cannot be used: it has no notebook >= 6.4 and no JupyterLab on jupyter_server 2",
            "on the host: /lab/bin/python -m pip install notebook matplotlib\nor leave --python out",
        ),
        (
            {"found": (CLASSIC._replace(packages={}),)},
            "--python /x cannot be used: it has no notebook >= 6.4 and no JupyterLab on jupyter_server 2",
            "on the host: sudo apt-get install jupyter-notebook python3-matplotlib\nor leave --python out",
        ),
    ],
)
def test_a_python_that_cannot_be_used(environments: Mapping[str, Any], reason: str, fix: str) -> None:
    with pytest.raises(HostError, match=f"^{reason}$") as error:
        list(install.plan(wanting(python="/x"), seen(environments=environments)))
    assert error.value.hint.startswith(fix)


@pytest.mark.parametrize(
    ("found", "app", "notes"),
    [
        (MODERN._replace(packages={**MODERN.packages, "matplotlib": "3.9"}), "notebook", []),
        (
            MODERN,
            "notebook",
            ["has no matplotlib, so nothing is plotted inline\non the host: /env/bin/python -m pip install"],
        ),
        (LAB, "notebook", ["has no notebook, so jupyterlab is served", "has no matplotlib"]),
        (CLASSIC, "notebook", ["plotted inline\non the host: sudo apt-get install python3-matplotlib\nor"]),
        (MODERN._replace(pip=False), "notebook", ["-m ensurepip && /env/bin/python -m pip install matplotlib\nor"]),
    ],
)
def test_what_an_environment_lacks_is_noted(found: Environment, app: str, notes: list[str]) -> None:
    said = list(install.standing(wanting(app=app), seen(environments={"found": (found,)})))
    assert len(said) == len(notes)
    assert all(words in note for words, note in zip(notes, said, strict=True))


def test_an_environment_that_has_yet_to_be_made_lacks_nothing() -> None:
    assert list(install.standing(WANTED, seen(environments={"found": ()}))) == []
