"""Kernels of the user's own environments, in a server that runs."""

import ast
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from machine import PASSWORD, Machine
from namespace import without
from notebook_client import Notebook
from processes import sockets_of
from pythons import NOTEBOOKS, need
from venvs import environment

KEEPS = ("notebook", "jupyter_server", "jupyterlab", "matplotlib", "pip")  # what a kernel does not need
NASTY = 'it\'s a "näme" of $HOME'


@pytest.fixture(params=NOTEBOOKS)
def machine(request: pytest.FixtureRequest, here: Machine) -> Machine:
    """A machine with a server of each kind, and an environment of conda's that has no notebook."""
    need(NOTEBOOKS[request.param])
    here.env["NBFAB_PYTHON"] = NOTEBOOKS[request.param]
    conda(here.home / "miniconda3/envs" / "geo")
    return here


def conda(place: Path) -> Path:
    """An environment that is laid out as conda's, with something to activate."""
    environment(place, lacks=KEEPS)
    (place / "pyvenv.cfg").rename(place / "pyvenv.cfg.off")
    shutil.copy(place / "pyvenv.cfg.off", place / "pyvenv.cfg")  # it is a venv that conda has a record of
    (place / "conda-meta").mkdir()
    (place / "conda-meta" / "python-{}.{}.{}-h0_0.json".format(*sys.version_info[:3])).touch()
    scripts = place / "etc/conda/activate.d"
    scripts.mkdir(parents=True)
    (scripts / "geo.sh").write_text('export GEO_DATA="$CONDA_PREFIX/share"\n')
    pip(place)
    return place


def pip(place: Path) -> None:
    """A program that says whose it is."""
    (place / "bin/pip").write_text(f"#!/bin/sh\necho {place.name.replace(chr(39), '')!r}\n")
    (place / "bin/pip").chmod(0o755)


def menu(machine: Machine) -> dict[str, str]:
    """The kernels of the user's own that the server has, and what they are called."""
    specs = Notebook(machine.port, machine.folder, PASSWORD).get("/api/kernelspecs")["kernelspecs"]
    return {name: spec["spec"]["display_name"] for name, spec in specs.items() if name.startswith("nbfab.")}


def tells(machine: Machine, kernel: str) -> dict[str, Any]:
    """What a new kernel of that name tells of itself, and of what its cells start."""
    notebook = Notebook(machine.port, machine.folder, PASSWORD)
    started = notebook.post("/api/kernels", {"name": kernel})["id"]
    code = (
        "import json, os, shutil, sys\n"
        "shell = get_ipython().getoutput\n"
        "tells = dict(prefix=sys.prefix, python=shell('python -c \"import sys; print(sys.prefix)\"')[-1],\n"
        "    pip=shutil.which('pip'), env=dict(os.environ), profile=get_ipython().profile, pid=os.getpid())"
    )
    found = dict(json.loads(ast.literal_eval(notebook.evaluates(started, "json.dumps(tells)", code))))
    found["tcp"], _ = sockets_of([found["pid"]])
    notebook.delete(f"/api/kernels/{started}")
    return found


def test_a_running_server_has_them_in_its_menu_and_each_is_its_own(machine: Machine) -> None:
    machine.ok("setup")
    server, geo = machine.server, machine.home / "miniconda3/envs/geo"
    thesis = environment(machine.home / NASTY / ".venv", lacks=KEEPS)
    pip(thesis)
    said = machine.ok("setup", "--kernel", "geo", "--kernel", str(thesis))
    version = "{}.{}".format(*sys.version_info[:2])
    assert f"put Python {version} (geo) into the menu of kernels ({geo})" in said
    assert "kernels none -> geo, " in said
    assert machine.server == server, "no restart"
    assert sorted(menu(machine).values()) == sorted([f"Python {version} (geo)", f"Python {version} ({NASTY})"])
    assert "nothing changed" in machine.ok("setup")
    in_geo = tells(machine, "nbfab.geo")
    assert in_geo["prefix"] == in_geo["python"] == in_geo["env"]["CONDA_PREFIX"] == str(geo)
    assert in_geo["pip"] == f"{geo}/bin/pip"
    assert in_geo["env"]["GEO_DATA"] == f"{geo}/share"
    assert in_geo["env"]["CONDA_DEFAULT_ENV"] == "geo"
    (other,) = {*menu(machine)} - {"nbfab.geo"}
    in_thesis = tells(machine, other)
    assert in_thesis["prefix"] == in_thesis["python"] == in_thesis["env"]["VIRTUAL_ENV"] == str(thesis)
    assert in_thesis["pip"] == f"{thesis}/bin/pip"
    assert {in_geo["profile"], in_thesis["profile"]} == {"nbserver"}
    # At most the pipe for what its children print, which only listens, and to a secret.
    assert max(len(in_geo["tcp"]), len(in_thesis["tcp"])) <= 1
    # Choices stay, are added to, and go.
    assert "nothing changed" in machine.ok("setup", "--kernel=geo")
    said = machine.ok("setup", "--reset=kernels", "--kernel=geo")
    assert f"take Python {version} ({NASTY}) out of the menu of kernels" in said
    assert [*menu(machine)] == ["nbfab.geo"]
    machine.ok("setup", "--reset=kernels")
    assert not menu(machine)
    assert not list(machine.folder.glob("share/jupyter/kernels/nbfab.*"))
    assert machine.server == server


def test_one_whose_environment_vanishes_is_noted_and_nothing_else_fails(here: Machine) -> None:
    place = conda(here.home / "miniconda3/envs/geo")
    here.ok("setup", "--kernel=geo")
    before = here.files()
    place.rename(here.home / "away")
    said = here.ok("setup")
    assert "the kernel geo cannot start: no environment has that name any more" in said
    assert "setup --reset=kernels\n" in said
    assert here.files() == before
    assert "the kernel geo cannot start" in here.fails("doctor")
    (here.home / "away").rename(place)
    assert "cannot start" not in here.ok("setup")
    # Another one of that name does not take its place.
    environment(here.home / "geo/.venv", lacks=KEEPS)
    assert "nothing changed" in here.ok("setup")


def test_a_name_that_several_have_and_one_that_none_has(here: Machine) -> None:
    for place in ("miniconda3/envs/geo", "geo/.venv"):
        environment(here.home / place, lacks=KEEPS)
    refused = here.json("plan", "--kernel=geo")
    assert refused["verdict"] == "refused"
    commands = [part["command"] for part in refused["fix"] if "command" in part]
    assert [line.rpartition("--kernel=")[2] for line in commands] == [
        f"{here.home}/miniconda3/envs/geo",
        f"{here.home}/geo/.venv",
    ]
    assert "no environment has that name; there are geo" in here.fails("plan", "--kernel=nope")
    assert "/no/such does not exist" in here.fails("plan", "--kernel=/no/such")


def test_one_without_ipykernel_gets_the_command_and_nothing_else(here: Machine) -> None:
    place = here.home / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    before = {*place.rglob("*")}
    said = here.ok("setup", "--kernel=bare")
    assert f"{place} has no ipykernel, so no kernel can start in it" in said
    assert "install" in said.partition("has no ipykernel")[2]
    assert not menu(here)
    assert {*place.rglob("*")} == before
    environment(place, lacks=KEEPS)
    here.ok("setup")
    assert len(menu(here)) == 1


def test_on_a_host_without_bash(host: Callable[..., Machine]) -> None:
    machine = host(replace=without("bash"), shell="/bin/sh")
    conda(machine.home / "miniconda3/envs/geo")
    said = machine.ok("setup", "--kernel=geo")
    assert "the kernel geo does without what activates its environment, which takes bash" in said
    found = tells(machine, "nbfab.geo")
    assert found["env"]["CONDA_PREFIX"] == found["prefix"] == str(machine.home / "miniconda3/envs/geo")
    assert "GEO_DATA" not in found["env"]


def test_every_environment_is_listed_and_no_interpreter_runs(there: Machine) -> None:
    conda(there.home / "miniconda3/envs/geo")
    trap = there.home / "venvs/trap"
    (trap / "bin").mkdir(parents=True)
    (trap / "pyvenv.cfg").write_text("version = 3.8.1\n")
    (trap / "bin/python").write_text(f"#!/bin/sh\ntouch {there.home}/has-run\n")
    (trap / "bin/python").chmod(0o755)
    there.ok("setup", "--kernel=geo")
    listed = there.json("install", "--list")
    assert listed["verdict"] == "unchanged"
    found = {of["name"]: of for of in listed["state"]["environments"]}
    assert found["geo"]["kernel"] == "nbfab.geo"
    assert found["geo"]["ipykernel"]
    assert (found["trap"]["version"], found["trap"]["ipykernel"]) == ("3.8.1", None)
    assert [of["python"] for of in found.values() if of["serves"]] == [sys.executable]
    assert not (there.home / "has-run").exists()
    said = there.ok("install", "--list")
    assert "IPYKERNEL" in said
    assert f"{there.home}/venvs/trap" in said
    there.ok("remove", "--yes", "--force")
    assert not there.folder.exists()
