"""What was chosen for a server stays, until something else is chosen for it."""

import json
import shlex
import subprocess
from collections.abc import Callable
from typing import Any

from machine import PASSWORD, ROOT, Machine
from notebook_client import Notebook, logs_in
from sshd import free_port


def chosen(machine: Machine) -> dict[str, tuple[Any, str]]:
    """What the report says was chosen, and where."""
    found = machine.json("status")["state"]["settings"]
    return {key: (choice["value"], choice["source"]) for key, choice in found.items() if choice["source"] != "default"}


def test_a_port_that_was_typed_stays(here: Machine) -> None:
    del here.env["NBFAB_PORT"]
    here.ok("setup", f"--port={here.port}")
    server, before = here.server, here.files()
    assert chosen(here)["port"] == (here.port, "flag")
    for task in ("setup", "config", "serve", "password"):
        assert "nothing changed" in here.ok(task)
    assert f"port         {here.port} (from --port)" in here.ok("status")
    assert (here.server, here.files()) == (server, before)
    # Another password moves neither the port nor the interpreter, whatever is in the environment.
    said = here.ok("password", password="another horse battery", NBFAB_PYTHON="/usr/bin/python3", NBFAB_PORT="1")
    assert "rewrite the hash of the new password" in said
    assert logs_in(here.port, here.folder, "another horse battery")
    other = free_port()
    said = here.ok("setup", f"--port={other}", password=None)
    assert f"config       port {here.port} -> {other}, from --port" in said
    assert logs_in(other, here.folder, "another horse battery")
    assert "reset" in here.fails("setup", "--reset", "prot", status=2)


def test_a_port_that_was_typed_goes_back_when_asked(here: Machine) -> None:
    typed = free_port()
    here.ok("setup", f"--port={typed}")
    assert f"port {typed} -> {here.port}, from NBFAB_PORT" in here.ok("setup")
    here.ok("setup", f"--port={typed}")
    del here.env["NBFAB_PORT"]
    assert "nothing would change" in here.ok("plan")
    assert f"port {typed} -> 9999, its default, by --reset" in here.ok("plan", "--reset", "port")
    fix = here.json("config", "--reset", "python")["hint"]
    assert fix == f"inv -r {ROOT} setup --reset=python"


def test_the_folder_of_the_first_setup_is_kept_on_this_machine(here: Machine) -> None:
    (here.work / "first.txt").touch()
    here.ok("setup")
    second = here.home / "second"
    second.mkdir()
    (second / "other.txt").touch()
    first, here.work = here.work, second
    said = here.ok("setup")
    assert "nothing changed" in said
    assert f"it serves {first}, not the current folder: --directory . would change that" in said
    assert "other.txt" not in str(Notebook(here.port, here.folder, PASSWORD).get("/api/contents"))
    here.ok("setup", "--directory", ".")
    assert "other.txt" in str(Notebook(here.port, here.folder, PASSWORD).get("/api/contents"))
    here.work = first
    assert "nothing would change" in here.ok("plan")


def test_what_is_gone_from_the_inventory_goes_back(host: Callable[..., Machine]) -> None:
    box = host()
    box.program = "nbfab"
    del box.env["NBFAB_PORT"]
    hosts = box.work / "hosts.yaml"
    hosts.write_text(f"hosts: {{box: {{port: {box.port}, ip: 127.0.0.1, days: 90}}}}\n")
    box.ok("setup")
    assert chosen(box) == {
        "port": (box.port, "inventory"),
        "ip": ("127.0.0.1", "inventory"),
        "days": (90, "inventory"),
        "python": (box.env["NBFAB_PYTHON"], "environment"),
    }
    hosts.rename(box.work / "away.yaml")
    assert "nothing changed" in box.ok("setup")  # where there is no inventory, none has changed
    hosts.write_text(f"hosts: {{box: {{port: {box.port}}}}}\n")
    said = box.ok("plan")
    assert (
        "ip 127.0.0.1 -> *, its default, since the inventory no longer has it; a downgrade: other machines will reach"
        in said
    )
    assert "days 90 -> 365, its default, since the inventory no longer has it" in said
    assert "port" not in [line.split()[1] for line in said.splitlines() if line.startswith("  config")]
    box.ok("setup")
    assert "nothing would change" in box.ok("plan")


def test_live_kernels_keep_what_was_chosen(here: Machine) -> None:
    here.ok("setup")
    Notebook(here.port, here.folder, PASSWORD).post("/api/kernels", {"name": "nbserver"})
    server, choices = here.server, (here.folder / "choices").read_bytes()
    said = here.fails("setup", "--port=1234")
    assert f"not done     port {here.port} -> 1234, from --port" in said
    assert (here.server, (here.folder / "choices").read_bytes()) == (server, choices)
    assert "nothing changed" in here.ok("setup")


def test_a_profile_of_a_newer_nbfab_is_left_alone(here: Machine) -> None:
    here.ok("setup")
    choices = here.folder / "choices"
    text = choices.read_text()
    choices.write_text(text.replace("nbfab 0", "nbfab 99"))
    before = here.files()
    for task in ("setup", "password", "certificate", "plan"):
        said = here.fails(task, password="another horse battery")
        assert "refused" in said or task == "plan"
        assert "takes care of this profile" in said
        assert "upgrade nbfab on this machine" in said
    assert here.files() == before
    assert here.json("status")["state"]["running"]
    here.ok("stop")


def test_choices_that_cannot_be_read_move_nothing_and_the_fix_helps(here: Machine) -> None:
    typed = free_port()
    del here.env["NBFAB_PORT"]
    here.ok("setup", f"--port={typed}")
    server = here.server
    choices = here.folder / "choices"
    choices.write_text(choices.read_text().replace(f"port flag {typed}", "port flag many"))
    assert here.json("status")["state"]["running"]
    found = json.loads(here.run("setup", "--json").stdout)["hosts"][0]
    assert found["error"].endswith("choices cannot be read: port must be a whole number from 1 to 65535, not 'many'")
    subprocess.run(shlex.split(found["hint"]), check=True)
    here.ok("setup")
    assert (here.server, chosen(here)["port"]) == (server, (typed, "earlier"))
