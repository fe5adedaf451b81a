"""Which environment serves the notebook: found, asked for, old, or made."""

import json
import re
import subprocess
import sys
from collections.abc import Callable

from machine import BIN, PASSWORD, Machine
from namespace import without
from notebook_client import Notebook, asks_for_a_password_alone, logs_in
from pythons import DEBIAN, need
from venvs import environment, with_jupyter


def plots(machine: Machine) -> bool:
    """Whether a kernel of the server draws a picture."""
    return Notebook(machine.port, machine.folder, PASSWORD).plot().startswith(b"\x89PNG")


def kernel(machine: Machine) -> str:
    """What the kernel is called in the menu."""
    specs = Notebook(machine.port, machine.folder, PASSWORD).get("/api/kernelspecs")
    return str(specs["kernelspecs"]["nbserver"]["spec"]["display_name"])


def test_notebook_6_of_debian(here: Machine) -> None:
    need(DEBIAN)
    here.ok("serve", "--python", DEBIAN)
    notebook = Notebook(here.port, here.folder, PASSWORD)
    assert asks_for_a_password_alone(here.port, here.folder)
    assert not logs_in(here.port, here.folder, "wrong horse battery")
    assert notebook.get("/api")["version"].startswith("6.")
    assert notebook.get("/api/kernelspecs")["default"] == "nbserver"
    kernel = notebook.post("/api/kernels", {"name": "nbserver"})["id"]
    assert here.json("status", "--python", DEBIAN)["state"]["kernels"][0].startswith(f"kernel {kernel[:8]}")
    assert kernel[:8] in here.fails("stop", "--python", DEBIAN)
    here.ok("stop", "--force")


def test_lab(here: Machine) -> None:
    here.ok("serve", "--app", "lab")
    page = Notebook(here.port, here.folder, PASSWORD).opener.open(f"https://127.0.0.1:{here.port}/lab")
    assert b"JupyterLab" in page.read()


def test_python_that_is_not_there_or_has_no_notebook(here: Machine) -> None:
    assert "/no/such does not exist" in here.fails("setup", "--python", "/no/such")
    bare = here.home / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare], check=True)
    said = here.fails("setup", "--python", str(bare))
    assert "it has no notebook" in said
    assert "-m pip install notebook" in said


def test_jupyter_of_a_login_shell_is_found(there: Machine) -> None:
    own = there.home / ".local/bin"
    own.mkdir(parents=True)
    (own / "jupyter").symlink_to(BIN / "jupyter")
    (there.home / ".profile").write_text('PATH="$HOME/.local/bin:$PATH"\n')
    there.env.pop("NBFAB_PYTHON")
    change, _ = there.json("install")["changes"]
    assert "the login shell's jupyter" in change["summary"]
    assert sys.executable in change["summary"]
    assert there.json("install")["verdict"] == "unchanged"


def test_a_new_environment_is_made_and_used(host: Callable[..., Machine]) -> None:
    machine = host(replace=without("jupyter"))
    machine.env.pop("NBFAB_PYTHON")
    result = machine.run("setup")
    assert result.returncode == 0, result.stderr
    assert re.search(r"^box: step 1 of \d+, install: make an environment", result.stderr, re.MULTILINE)
    made = machine.home / ".local/share/nbfab/.venv"
    assert f"make an environment with notebook and matplotlib in {made}" in result.stdout
    assert list(made.glob("lib/*/site-packages/matplotlib/__init__.py"))
    assert plots(machine)
    assert kernel(machine) == "Python 3 (nbserver: nbfab's own)"
    assert "nothing changed" in machine.ok("setup")
    # What the server needs is added to it, and stays; it is there again once it was removed.
    server = machine.server
    said = machine.ok("setup", "--with", "jupytext>=1", "--with", "nbdime")
    assert "add jupytext>=1, nbdime to the environment that nbfab made" in said
    assert "nothing changed" in machine.ok("setup")
    assert "nothing changed" in machine.ok("setup", "--with", "nbdime")
    assert "add nbgitpuller to" in machine.ok("plan", "--with", "nbgitpuller")
    assert "packages     jupytext>=1 nbdime (from --with)" in machine.ok("status")
    assert machine.server == server
    python = made / "bin/python"
    subprocess.run([python, "-c", "import jupytext, nbdime, pip"], check=True)
    assert "use the environment that nbfab made" in machine.ok("setup", "--python", "new")
    assert "nothing changed" in machine.ok("setup")
    assert machine.server == server


def test_the_plot_where_debian_s_notebook_has_no_matplotlib(there: Machine) -> None:
    need(DEBIAN)
    there.env.pop("NBFAB_PYTHON")
    said = there.ok("setup")
    assert "make an environment with notebook and matplotlib in " in said
    assert f": {DEBIAN} has no matplotlib" in said
    assert f"to serve {DEBIAN}: notebook 6.4.12 all the same\n" in said
    assert f"setup --python={DEBIAN}\n" in said
    assert plots(there)
    assert "nothing changed" in there.ok("setup")


def test_without_an_index_debian_s_notebook_serves_and_stays(there: Machine) -> None:
    need(DEBIAN)
    there.env.pop("NBFAB_PYTHON")
    there.env["UV_OFFLINE"] = "1"  # nor can this machine
    own = there.home / ".local/bin"
    own.mkdir(parents=True)
    (own / "uv").write_text("#!/bin/sh\n[ $1 = venv ] || { echo 'error: Connection refused' >&2; exit 1; }\n")
    (own / "uv").chmod(0o755)
    said = there.ok("setup")
    why = "the host cannot reach an index of packages: Connection refused"
    assert f"no environment could be made, so {DEBIAN} is used: {why}" in said
    assert f"{DEBIAN} has no matplotlib, so nothing is plotted inline\n" in said
    assert re.search(r"or have one made\n +\S+ .*setup --python=new\n", said)
    assert "make an environment" not in said
    assert Notebook(there.port, there.folder, PASSWORD).get("/api")["version"].startswith("6.")
    assert kernel(there) == f"Python 3 (nbserver: {DEBIAN})"
    assert "nothing changed" in there.ok("setup")
    # Now one could be made; but what the profile has is kept, also if the record no longer holds.
    (own / "uv").unlink()
    server = there.server
    assert "nothing changed" in there.ok("setup")
    record = there.folder / "environment"
    record.write_text(record.read_text() + ".gone")
    assert "use the environment that the profile has had (/usr/bin/python3: notebook 6.4.12)" in there.ok("setup")
    assert "nothing changed" in there.ok("setup")
    assert there.server == server
    assert "make an environment with notebook and matplotlib" in there.ok("plan", "--python", "new")
    assert "cannot reach" not in there.ok("plan", "--python", "new")


def test_an_environment_that_was_asked_for_and_cannot_be_made_is_an_error(there: Machine) -> None:
    there.env.pop("NBFAB_PYTHON")
    there.env["UV_OFFLINE"] = "1"  # nor can this machine
    own = there.home / ".local/bin"
    own.mkdir(parents=True)
    (own / "uv").write_text("#!/bin/sh\necho 'error: Connection refused' >&2; exit 1\n")
    (own / "uv").chmod(0o755)
    assert "cannot reach an index of packages" in there.fails("setup", "--python", "new")
    assert not there.server


def test_jupyterlab_alone_serves_if_it_plots(there: Machine) -> None:
    with_jupyter(environment(there.home / "jlab", lacks=("notebook",)), there.home)
    there.env.pop("NBFAB_PYTHON")
    said = there.ok("setup")
    assert "has no notebook, so jupyterlab is served" in said
    assert plots(there)
    assert kernel(there) == "Python 3 (nbserver: jlab)"
    assert "nothing changed" in there.ok("setup")


def test_jupyterlab_alone_without_matplotlib_gives_way(there: Machine) -> None:
    with_jupyter(environment(there.home / "jlab", lacks=("notebook", "matplotlib")), there.home)
    there.env.pop("NBFAB_PYTHON")
    (change, *_) = there.json("plan")["changes"]
    assert change["summary"].startswith("make an environment with notebook and matplotlib in ")
    assert change["reason"] == f"{there.home}/jlab/bin/python has no matplotlib"


def test_a_clone_of_nbfab_serves_from_its_own_environment(here: Machine) -> None:
    here.env.pop("NBFAB_PYTHON")
    said = here.ok("serve")
    assert "use the environment that nbfab runs in" in said
    assert plots(here)
    # A record of Debian's, as an earlier release has left it, would stay.
    found = {"source": "login", "python": DEBIAN, "packages": {"notebook": "6.4.12", "ipykernel": "6.17.0"}}
    (here.folder / "environment").write_text(f"notebook \n{json.dumps(found)}\n{DEBIAN}\n/usr")
    assert f"{DEBIAN} has no matplotlib" in here.ok("plan")


def test_an_environment_by_its_name(there: Machine) -> None:
    geo = environment(there.home / "miniconda3/envs/geo")
    (geo / "conda-meta").mkdir()
    environment(there.home / "miniconda3/envs/it's bare", lacks=("notebook", "jupyterlab"))
    there.env.pop("NBFAB_PYTHON")
    said = there.ok("setup", "--python", "geo")
    assert f"use the environment that --python names ({geo}/bin/python: notebook 7" in said
    assert plots(there)
    assert kernel(there) == "Python 3 (nbserver: geo)"
    assert "nothing changed" in there.ok("setup")
    assert "nothing changed" in there.ok("setup", "--python", "geo")
    assert "python       geo (from --python)" in there.ok("status")
    # The profile has the name, which the program that looks did not: it looks again.
    record = there.folder / "environment"
    record.write_text(record.read_text() + ".gone")
    assert "use the environment that --python names" in there.ok("setup")
    said = there.fails("plan", "--python", "goe")
    assert "no environment has that name; there are geo, it's bare" in said
    assert "it has no notebook" in there.fails("setup", "--python", "it's bare")
    said = there.fails("setup", "--with", "jupytext")
    assert f"nbfab adds packages only to an environment that it has made, and not to {geo}/bin/python" in said
    assert re.search(r"fix +\S+ .*setup --python=new --with=jupytext\n", said)
    (there.home / "geo").mkdir()
    assert "nothing changed" in there.ok("setup")
    said = there.fails("setup", "--python", "geo", "--app", "lab")
    assert f"--python geo could be any of {geo} (conda), {there.home}/geo (folder)" in said
    assert re.search(rf"setup --app=lab --python={geo}\n.*setup --app=lab --python={there.home}/geo\n", said)


def test_an_installation_that_fails_says_why_and_is_begun_anew(host: Callable[..., Machine]) -> None:
    machine = host(replace=without("jupyter", "uv"))
    machine.env.pop("NBFAB_PYTHON")
    own = machine.home / ".local/bin"
    own.mkdir(parents=True)
    (own / "uv").write_text("#!/bin/sh\necho 'no route to the index' >&2; exit 1\n")
    (own / "uv").chmod(0o755)
    assert "no route to the index" in machine.fails("install")
    assert not (machine.home / ".local/share/nbfab/.venv/complete").exists()
    assert machine.json("plan")["changes"][0]["step"] == "install"


def test_what_the_host_lacks_is_named_with_the_command_that_installs_it(host: Callable[..., Machine]) -> None:
    machine = host(replace=without("jupyter", "uv", "python3"))
    machine.env.pop("NBFAB_PYTHON")
    said = machine.fails("setup")
    assert "there is no python3 and no uv" in said
    assert "apt-get install python3 python3-venv" in said
    machine = host(replace=without("jupyter", "uv", "python3", "tmux"))
    machine.env.pop("NBFAB_PYTHON")
    said = machine.fails("setup")
    assert "there is no tmux either" in said
    assert "apt-get install python3 python3-venv tmux" in said
    machine = host(replace=without("tmux"))
    said = machine.fails("setup")
    assert "there is no tmux" in said
    assert "apt-get install tmux" in said
    assert not machine.folder.exists()
