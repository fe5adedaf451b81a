"""Fixes that nbfab names, typed as they stand: each changes the next run."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from machine import Machine
from namespace import without

PACKAGES = {"notebook": "7.2", "jupyter_server": "2.14", "ipykernel": "6.29"}


def test_matplotlib_for_an_environment_without_pip(here: Machine) -> None:
    venv = here.home / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    (site,) = venv.glob("lib/python*/site-packages")
    for name, version in PACKAGES.items():
        (site / f"{name}-{version}.dist-info").mkdir()
        (site / f"{name}-{version}.dist-info/METADATA").write_text(f"Name: {name}\nVersion: {version}\n")
    here.env["NBFAB_PYTHON"] = str(venv)
    said = here.ok("install")
    assert "nothing changed" in here.ok("install")
    (fix,) = re.findall(r"so nothing is plotted inline: (.*), or --python new", said)
    # The package alone is enough for that.
    subprocess.run(["sh", "-c", fix], env=here.env | {"PIP_NO_DEPS": "1"}, capture_output=True, check=True, timeout=300)
    assert "plotted inline" not in here.ok("install")
    assert "nothing changed" in here.ok("install")


def test_a_host_without_a_way_to_an_index(host: Callable[..., Machine]) -> None:
    machine = host(replace=without("jupyter", "uv"))
    del machine.env["NBFAB_PYTHON"]
    settings = machine.home / ".config/pip/pip.conf"
    settings.parent.mkdir(parents=True)
    nowhere = "http://127.0.0.1:1/index"
    settings.write_text(f"[global]\nindex-url = {nowhere}\nextra-index-url =\nfind-links =\nretries = 1\n")
    said = machine.fails("install")
    assert re.search(r"failed: the host cannot reach an index of packages: Connection refused\n  fix ", said)
    assert "Retrying" not in said.partition("box: failed")[2]
    (fix,) = re.findall(r"on the host: (.*) URL, for an index", said)
    index = machine.home / "index/notebook"
    index.mkdir(parents=True)
    (index / "index.html").touch()
    command = ["sh", "-c", f"{fix} {index.parent.as_uri()}"]
    subprocess.run(command, env=os.environ | {"HOME": str(machine.home)}, capture_output=True, check=True)
    assert "No matching distribution" in machine.fails("install")
    assert "or name an environment that has the notebook: --python PATH" in said
    machine.ok("install", "--python", sys.executable)


@pytest.mark.parametrize(
    ("shell", "name"),
    [
        ("/bin/bash", ".bashrc"),
        ("/usr/bin/zsh", ".zshenv"),
        ("/usr/bin/fish", ".config/fish/config.fish"),
        ("/usr/bin/tcsh", ".tcshrc"),
    ],
)
def test_a_startup_file_that_lets_no_program_run(host: Callable[..., Machine], shell: str, name: str) -> None:
    machine = host(shell=shell)
    file: Path = machine.home / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("echo Welcome!\nexec true\n")
    said = machine.fails("plan")
    assert re.search("its login shell did not run a program, but printed: .*Welcome!", said)
    assert "look for exit, exec" in said
    assert f"~/{name}" in said
    file.write_text("echo Welcome!\n")
    machine.ok("plan")
