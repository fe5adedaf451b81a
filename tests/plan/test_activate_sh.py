"""What bash runs before the kernel of an environment of conda's."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from plan_cases import NEW, WANTED, seen

from nbfab.look.kernels import Place
from nbfab.plan.own_kernel import spec_of

SHOW = "import json, os, sys; print(json.dumps([sys.argv[1:], dict(os.environ)]))"


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """An environment of conda's that is nothing but what is activated, in a folder with an unusual name."""
    place = tmp_path / 'it\'s a $HOME "näme"'
    for folder in ("etc/conda/activate.d", "etc/conda/env_vars.d", "conda-meta"):
        (place / folder).mkdir(parents=True)
    return place


def activated(prefix: Path, **env: str) -> tuple[list[str], dict[str, str]]:
    """The arguments and the variables of a kernel that is started so."""
    place = Place("geo", "conda", prefix.name, str(prefix), sys.executable, ipykernel="7.0")
    facts = seen(NEW, kernels={"bash": "/bin/bash", "found": (place,)})
    bash, flag, script, name, python, *_ = spec_of(WANTED, facts, place, ["geo"])["argv"]
    words = [bash, flag, script, name, python, "-c", SHOW, "a b", "$HOME", "it's", ""]
    own: dict[str, Any] = {"CONDA_PREFIX": str(prefix), "PATH": os.environ["PATH"], **env}
    done = subprocess.run(words, env=own, capture_output=True, text=True, timeout=60, check=True)
    arguments, variables = json.loads(done.stdout.splitlines()[-1])
    assert arguments == ["a b", "$HOME", "it's", ""]
    return done.stdout.splitlines()[:-1], variables


def test_scripts_are_run_in_their_order_whatever_they_do(prefix: Path) -> None:
    scripts = prefix / "etc/conda/activate.d"
    (scripts / "10-first.sh").write_text('export GEO_DATA="$CONDA_PREFIX/share" ORDER=first\nset -- gone\nscript=x\n')
    (scripts / "20-second.sh").write_text('ORDER="$ORDER second"\necho printed\nfalse\n')
    (scripts / "30-third.sh").write_text("[[ -n $ORDER ]] && ORDER+=' third'\n")  # as bash alone has it
    (scripts / "ignored.fish").write_text("set -x ORDER no\n")
    printed, variables = activated(prefix, VIRTUAL_ENV="/v")
    assert printed == ["printed"]
    assert variables["GEO_DATA"] == f"{prefix}/share"
    assert variables["ORDER"] == "first second third"
    assert "VIRTUAL_ENV" not in variables


def test_variables_that_the_environment_has_come_first(prefix: Path) -> None:
    values = {"KEY": 'it\'s $(id) "x"\nline', "not a name": "x", "OFF": "***unset***", "NUMBER": 3}
    (prefix / "conda-meta/state").write_text(json.dumps({"env_vars": values}))
    (prefix / "etc/conda/env_vars.d/a.json").write_text(json.dumps({"KEY": "package", "PACKAGE": "yes"}))
    (prefix / "etc/conda/env_vars.d/broken.json").write_text("[")
    (prefix / "etc/conda/activate.d/x.sh").write_text('export SEEN="$KEY"\n')
    _, variables = activated(prefix)
    assert variables["SEEN"] == variables["KEY"] == values["KEY"]
    assert (variables["PACKAGE"], variables["NUMBER"]) == ("yes", "3")
    assert not {"OFF", "not a name"} & variables.keys()


@pytest.mark.parametrize("state", ["", "[]", '{"env_vars": 3}', "\xff"])
def test_what_cannot_be_read_keeps_no_kernel_from_starting(prefix: Path, state: str) -> None:
    (prefix / "conda-meta/state").write_bytes(state.encode("latin-1"))
    assert activated(prefix)[1]["CONDA_PREFIX"] == str(prefix)
