"""The kernels of a fleet; one of them is named on its host."""

import re
import subprocess

import pytest
from machine import PASSWORD
from notebook_client import Notebook
from sshd_fleet import Fleet


@pytest.fixture
def fleet(three: Fleet) -> Fleet:
    """Three hosts, of which one has a kernel, one nothing in its server, and one cannot be reached."""
    three.run("setup", "--yes", "--limit", "one,two", NBFAB_PASSWORD=PASSWORD)
    three.known["three"] = ""
    three.write()
    return three


def test_they_are_listed_by_host_and_one_is_named_on_its_host(fleet: Fleet) -> None:
    notebook = Notebook(fleet.ports["one"], fleet.profile("one"), PASSWORD)
    kernel = notebook.post("/api/kernels", {})["id"]
    listed = fleet.run("kernels")
    assert listed.returncode == 1
    assert "one: 1 kernel\n" in listed.stdout
    assert re.search(rf"^  {kernel[:8]} +no notebook: ", listed.stdout, re.MULTILINE)
    assert "two: no kernels\n" in listed.stdout
    assert "1 not reached" in listed.stdout
    hosts = fleet.json("kernels", "--limit", "one,two")
    assert {name: len(host["state"]["live_kernels"]) for name, host in hosts.items()} == {"one": 1, "two": 0}

    before = fleet.execs()
    refused = fleet.run("kernels", "--shutdown", kernel[:8], "--limit=one")
    assert refused.returncode == 2
    assert "--shutdown takes one host: an id names a kernel there" in refused.stderr
    assert fleet.execs() == before
    several = [*fleet.command("kernels")[:3], "-H", "one,two", "kernels", f"--interrupt={kernel}"]
    assert subprocess.run(several, env=fleet.machine.env, capture_output=True, check=False).returncode == 2
    fix = refused.stderr.splitlines()[-1].strip().replace("HOST", "one")
    env = fleet.machine.env | {"NBFAB_PORT": str(fleet.ports["one"])}
    typed = subprocess.run(["sh", "-c", fix], env=env, cwd=fleet.work, capture_output=True, text=True, check=False)
    assert typed.returncode == 0, (fix, typed.stdout + typed.stderr)
    assert f"shut down kernel {kernel[:8]}" in typed.stdout
    assert fleet.json("kernels", "--limit=one")["one"]["state"]["live_kernels"] == []
