"""Fixes that nbfab names, typed as they stand: each changes the next run."""

import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from machine import PASSWORD, ROOT, Machine
from namespace import without
from notebook_client import Notebook
from sshd import keygen
from sshd_fleet import Fleet

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
    (fix,) = re.findall(r"so nothing is plotted inline\n +(.*)\n", said)
    # The package alone is enough for that.
    subprocess.run(["sh", "-c", fix], env=here.env | {"PIP_NO_DEPS": "1"}, capture_output=True, check=True, timeout=300)
    assert "plotted inline" not in here.ok("install")
    assert "nothing changed" in here.ok("install")


def test_a_host_without_a_way_to_an_index(host: Callable[..., Machine]) -> None:
    machine = host(replace=without("jupyter", "uv"))
    del machine.env["NBFAB_PYTHON"]
    machine.env["UV_OFFLINE"] = "1"  # nor has this machine
    settings = machine.home / ".config/pip/pip.conf"
    settings.parent.mkdir(parents=True)
    nowhere = "http://127.0.0.1:1/index"
    settings.write_text(f"[global]\nindex-url = {nowhere}\nextra-index-url =\nfind-links =\nretries = 1\n")
    said = machine.fails("install")
    lend = "it can be lent this machine's access to one, if you allow that"
    why = rf"Connection refused; {lend}"
    assert re.search(rf"the host cannot reach an index of packages: {why}\n  fix .*--lend=always\n", said)
    assert re.search(r"--lend=never\n", said)
    assert "Retrying" not in said.partition("box: failed")[2]
    (fix,) = re.findall(r"on box: (.* global.index-url) URL\n", said)
    index = machine.home / "index/notebook"
    index.mkdir(parents=True)
    (index / "index.html").touch()
    command = ["sh", "-c", f"{fix} {index.parent.as_uri()}"]
    subprocess.run(command, env=os.environ | {"HOME": str(machine.home)}, capture_output=True, check=True)
    assert "No matching distribution" in machine.fails("install")
    assert "or with --python an environment that has the notebook" in said
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


def commands(outcome: dict[str, Any], on: str = "") -> list[str]:
    """The commands of a fix that are for that host; each is one that a shell can read."""
    lines = [part["command"] for part in outcome["fix"] if part.get("on") == on]
    for line in lines:
        subprocess.run(["sh", "-n", "-c", line], check=True)
    return lines


def typed(machine: Machine, line: str) -> subprocess.CompletedProcess[str]:
    """What a line does that is typed in the folder of the task."""
    return subprocess.run(
        ["sh", "-c", line],
        env=machine.env | {"NBFAB_PASSWORD": PASSWORD},
        cwd=ROOT if machine.program == "fab" else machine.work,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.mark.parametrize("changed", [True, False])
@pytest.mark.parametrize("task", ["status", "plan"])
def test_a_host_key_that_is_unknown_or_another(there: Machine, tmp_path: Path, changed: bool, task: str) -> None:
    box = there.sshd
    assert box
    if changed:
        box.trust(keygen(tmp_path / "other"))
    else:
        box.known_hosts.write_text("")
    outcome = there.json(task)
    assert outcome["verdict"] == "not reached"
    assert ("on record is" in outcome["error"]) == changed
    (compare,) = commands(outcome, on="box")
    # What the administrator gets from that, here with the file of this sshd, is in the report.
    file = shlex.quote(f"{box.host_keys[0]}.pub")
    line = compare.replace("/etc/ssh/ssh_host_ed25519_key.pub", file)
    assert file in line
    printed = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True).stdout
    assert printed.split()[1] in outcome["error"]
    *before, again = commands(outcome)
    assert len(before) == changed
    for line in before:
        assert typed(there, line).returncode == 0
    done = typed(there, again)
    assert "is not known" not in done.stderr
    assert "on record" not in done.stderr
    assert there.json(task)["verdict"] != "not reached"


def test_a_host_key_in_a_fleet(three: Fleet, tmp_path: Path) -> None:
    known = three.folder / "known_hosts"
    one, two, _ = known.read_text().splitlines()
    other = keygen(tmp_path / "other").with_suffix(".pub").read_text().split()[:2]
    known.write_text(f"{' '.join([one.split()[0], *other])}\n{two}\n")
    hosts = three.json("plan")
    assert {name: outcome["verdict"] for name, outcome in hosts.items()} == {
        "one": "not reached",
        "two": "would change",
        "three": "not reached",
    }
    table = three.run("password").stdout
    for name in ("one", "three"):
        compared = rf"^fix for {name}:\n(?: +.*\n)+? +on {name}: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub$"
        assert re.search(compared, table, re.MULTILINE), table
        for line in commands(hosts[name]):
            subprocess.run(["sh", "-c", line], env=three.machine.env, cwd=three.work, capture_output=True, check=True)
    assert {outcome["verdict"] for outcome in three.json("plan").values()} == {"would change"}


def test_a_port_that_is_taken(here: Machine) -> None:
    here.ok("setup")
    here.ok("stop")
    with socket.create_server(("127.0.0.1", here.port)):
        outcome, status = here.json("serve"), here.json("status")
        assert f"port {here.port} is taken by" in outcome["error"]
        # `status` has the cause that a start would have, and the same fix.
        assert outcome["error"] in status["error"]
        assert status["fix"][0] == outcome["fix"][0]
        (line,) = commands(outcome)
        done = typed(here, line)
        assert done.returncode == 0, done.stderr
        assert here.json("status", "--port", str(here.port + 1))["state"]["running"]


def test_kernels_that_live(here: Machine) -> None:
    here.ok("setup")
    Notebook(here.port, here.folder, PASSWORD).post("/api/kernels", {"name": "nbserver"})
    (line,) = commands(here.json("stop"))
    done = typed(here, line)
    assert done.returncode == 0, done.stderr
    assert not here.server


def test_the_host_to_type_it_on_is_named(host: Callable[..., Machine]) -> None:
    machine = host(replace=without("tmux"))
    said = machine.fails("setup")
    assert re.search(r"^  fix +on box: .*apt-get install tmux$", said, re.MULTILINE)
    outcome = machine.json("status")
    assert outcome["error"] == ("it does not run: there is no profile nbserver; it cannot be started: there is no tmux")
    assert commands(outcome, on="box")[0].endswith("apt-get install tmux")
