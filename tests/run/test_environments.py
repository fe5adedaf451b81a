"""Which environment serves the notebook: found, asked for, old, or made."""

import subprocess
import sys
from collections.abc import Callable

from machine import BIN, PASSWORD, Machine
from namespace import without
from notebook_client import Notebook, asks_for_a_password_alone, logs_in
from pythons import DEBIAN, need


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
    assert "box:   " in result.stderr  # the installation is heard
    made = machine.home / ".local/share/nbfab/.venv"
    assert f"make an environment with notebook and matplotlib in {made}" in result.stdout
    assert list(made.glob("lib/*/site-packages/matplotlib/__init__.py"))
    assert logs_in(machine.port, machine.folder, PASSWORD)
    assert "nothing changed" in machine.ok("setup")


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
