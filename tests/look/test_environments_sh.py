"""The sh that looks for environments, in the shells that hosts have: whom it asks, and when it asks no one."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from shells import each_shell, records, run, stub

from nbfab.look.look import FILES
from nbfab.program import call, functions

ALL = functions(*FILES, "look/search") + "look_tools() { :; }\nlook_system() { :; }\n"
WITH = "scipy>=1 six"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder with Pythons that answer whatever they are asked, and a profile."""
    for path in ("old", "data/nbfab/.venv", "miniconda3/envs/geo", "an env"):
        (tmp_path / path / "bin").mkdir(parents=True)
        stub(tmp_path / path / "bin", "python", f'shift 2; echo "{{\\"asked\\":\\"$*\\",\\"is\\":\\"{path}\\"}}"')
    (tmp_path / "data/nbfab/.venv/complete").touch()
    (tmp_path / "data/nbfab/nbserver").mkdir()
    return tmp_path


def record(home: Path, question: str, *, gone: bool = False) -> None:
    """Records an environment, which may have lost a file since."""
    files = [home / "old/bin/python", home / ("gone" if gone else "old")]
    answer = json.dumps({"packages": {"matplotlib": "3"}})
    (home / "data/nbfab/nbserver/environment").write_text("\n".join([question, answer, *map(str, files)]))


def look(shell: tuple[str, ...], home: Path, **settings: str) -> tuple[list[Any], Mapping[str, Any]]:
    """The environments that the look reports, and other facts."""
    named = {"app": "notebook", "python": "", "packages": "", "here": "", "environment_probe": "probe"}
    named |= {"searches": "yes"} | settings
    places = {"base": f"{home}/data/nbfab", "folder": f"{home}/data/nbfab/nbserver"}
    program = ALL + call("look_environments", **named, **places) + call("print_facts")
    # No `jupyter` of this machine's, and no startup file of a login that finds one.
    env = {"HOME": str(home), "XDG_DATA_HOME": f"{home}/data", "PYENV_ROOT": ""}
    found = records(run(shell, "command() { return 1; }\n" + program, env=env))
    facts = {name: value for each in found for name, value in each.items()}
    answers = [each["environments.found"] for each in found if "environments.found" in each]
    return [answer for answer in answers if answer.get("asked", "").split()[:1] != ["login"]], facts


@each_shell
@pytest.mark.parametrize(
    ("settings", "answers"),
    [
        ({}, [("made", "data/nbfab/.venv")]),
        ({"here": "{home}/old/bin/python"}, [("made", "data/nbfab/.venv"), ("here", "old")]),
        ({"python": "new"}, [("made", "data/nbfab/.venv")]),
        ({"python": "{home}/old"}, [("asked", "old")]),
        ({"python": "~/an env"}, [("asked", "an env")]),
        ({"python": "./an env/bin/python"}, [("asked", "an env")]),
        ({"python": "geo"}, [("asked", "miniconda3/envs/geo")]),
        ({"python": "an env"}, [("asked", "an env")]),
        ({"python": "geo", "packages": WITH}, [(f"asked {WITH}", "miniconda3/envs/geo")]),
        ({"packages": WITH}, [(f"made {WITH}", "data/nbfab/.venv")]),
    ],
)
def test_who_is_asked(shell: tuple[str, ...], settings: dict[str, str], answers: list[Any], home: Path) -> None:
    given = {key: value.format(home=home) for key, value in settings.items()}
    found, _ = look(shell, home, **given)
    assert [(answer["asked"], answer["is"]) for answer in found] == answers


@each_shell
def test_a_name_is_not_sought_where_the_program_cannot(shell: tuple[str, ...], home: Path) -> None:
    found, facts = look(shell, home, python="geo", searches="")
    assert (found, facts["environments.unsought"]) == ([], "yes")


@each_shell
@pytest.mark.parametrize(
    ("question", "settings"),
    [
        ("notebook ", {}),
        ("lab ", {"app": "lab"}),
        ("notebook /old env", {"python": "/old env"}),
        ("notebook new", {"python": "new"}),
        (f"notebook  --with {WITH}", {"packages": WITH}),
        (f"notebook new --with {WITH}", {"python": "new", "packages": WITH}),
    ],
)
def test_no_one_is_asked_while_the_record_holds(
    shell: tuple[str, ...], question: str, settings: dict[str, str], home: Path
) -> None:
    record(home, question)
    (answer,), facts = look(shell, home, **settings)
    assert answer == {"packages": {"matplotlib": "3"}}
    assert facts["environments.remembered"] == "yes"


@each_shell
@pytest.mark.parametrize(
    ("question", "settings", "first"),
    [
        ("notebook ", {}, "kept"),
        (f"notebook  --with {WITH}", {"packages": WITH}, f"kept {WITH}"),
        ("notebook ", {"app": "lab"}, "before"),
        ("notebook ", {"packages": WITH}, f"kept {WITH}"),
        (f"notebook  --with {WITH}", {}, "kept"),
        ("notebook /old", {}, "made"),
        ("notebook geo --with six", {}, "made"),
        ("", {}, "made"),
    ],
)
def test_what_the_profile_has_had_comes_first(
    shell: tuple[str, ...], question: str, settings: dict[str, str], first: str, home: Path
) -> None:
    record(home, question, gone=True)
    found, facts = look(shell, home, **settings)
    assert found[0]["asked"] == first
    assert "environments.remembered" not in facts
    (home / "old/bin/python").unlink()
    found, _ = look(shell, home, **settings)
    assert found[0]["asked"].startswith("made")


@each_shell
@pytest.mark.parametrize("releases", ["", "yes"])
def test_which_python_a_new_one_would_get(shell: tuple[str, ...], releases: str, home: Path) -> None:
    stub(home, "uv", f'echo "$*" >>{home}/asked\necho {sys.executable}')
    program = functions(*FILES) + call("look_tools", releases=releases) + call("print_facts")
    found = records(run(shell, program, env={"PATH": f"{home}:{os.environ['PATH']}"}))
    facts = {name: value for each in found for name, value in each.items()}
    version = "{}.{}.{}".format(*sys.version_info[:3])
    assert facts["environments.uv"] == f"{home}/uv"
    assert facts.get("environments.uv_python") == (version if releases else None)
    # What uv keeps of that would be left in the home folder.
    assert (home / "asked").exists() == bool(releases)
    assert not releases or (home / "asked").read_text() == "python find --no-cache --system\n"
