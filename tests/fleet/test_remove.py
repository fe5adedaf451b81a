"""Removal from many hosts: asked once, live kernels stay, and what this machine remembers follows."""

import csv
import re
import subprocess
from pathlib import Path

import pytest
from home import snapshot
from machine import BIN
from notebook_client import Notebook
from sshd_fleet import Fleet
from terminal import Terminal

from nbfab.fleet.memory import Memory, failed, forget
from nbfab.outcome import Outcome


def test_one_of_three_hosts_has_live_kernels(three: Fleet) -> None:
    before = {name: snapshot(host.home) for name, host in three.hosts.items()}
    sheet = Path(re.findall(r"for you alone: (.*)", three.run("setup", "--yes").stdout)[0])
    passwords = {row["host"]: row["password"] for row in rows(sheet)}
    notebook = Notebook(three.ports["two"], three.profile("two"), passwords["two"])
    kernel = notebook.post("/api/kernels", {"name": "nbserver"})["id"]
    unasked = three.run("remove")
    assert unasked.returncode == 1
    words = "nothing was removed, because no one has confirmed it"
    assert re.search(rf"2 hosts \(one, three\) +refused +{words}$", unasked.stdout, re.MULTILINE)
    assert re.search(r"fix for 2 hosts \(one, three\):\n +\S+ .*--limit one,three --yes\n", unasked.stdout)
    done = three.run("remove", "--yes")
    assert done.returncode == 1
    assert re.search(r"2 hosts \(one, three\) +removed +server, profile", done.stdout)
    assert re.search(rf"two +refused +.*would end kernel {kernel[:8]}", done.stdout)
    assert re.search(r"fix for two:\n +\S+ .*--limit two.* --yes --force\n", done.stdout)
    assert "2 removed, 1 refused" in done.stdout
    assert {name: snapshot(three.hosts[name].home) == before[name] for name in before} == {
        "one": True,
        "two": False,
        "three": True,
    }
    assert kernel in [running["id"] for running in notebook.get("/api/kernels")]
    notes = {row["host"]: row["note"] for row in rows(sheet)}
    assert notes["one"].startswith("no longer valid: the host has no password")
    assert notes["two"] == ""
    again = three.json("remove", "--failed", "--yes", "--force")
    assert {name: host["verdict"] for name, host in again.items()} == {"two": "changed"}
    assert snapshot(three.hosts["two"].home) == before["two"]
    assert {host["verdict"] for host in three.json("remove").values()} == {"unchanged"}


def rows(sheet: Path) -> list[dict[str, str]]:
    with sheet.open(newline="") as file:
        return list(csv.DictReader(file))


def test_on_a_terminal_all_is_shown_and_asked_once(three: Fleet) -> None:
    assert three.run("certificate").returncode == 0
    with Terminal(three.machine) as terminal:
        terminal.type(" ".join(three.command("remove")) + "; echo status=$?")
        terminal.shows("3 hosts (one, two, three): would change")
        terminal.shows("  profile      remove the profile's folder ")
        terminal.shows("Go on? [y/N]")
        terminal.type("n")
        assert "nothing was changed" in terminal.shows("status=1")
        assert three.profile("one").exists()
        terminal.clear()
        terminal.type(" ".join(three.command("remove")) + "; echo status=$?")
        terminal.shows("Go on? [y/N]")
        terminal.type("y")
        screen = terminal.shows("status=0")
        assert "3 removed" in screen
        assert screen.count("[y/N]") == 1
    assert not any(three.profile(name).exists() for name in three.hosts)


def test_a_host_that_was_removed_is_not_set_up_again_by_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    inventory = tmp_path / "hosts.yaml"
    forget(inventory, [Outcome("one", "remove", "changed")])
    assert not (tmp_path / "state").exists()
    for task in ("setup", "status"):
        Memory(inventory, task).begins(["one", "two", "three"], whole=True)
    ends = [
        Outcome("one", "remove", "changed"),
        Outcome("two", "remove", "refused", status=1),
        Outcome("three", "stop", "changed"),
    ]
    forget(inventory, ends)
    assert failed(inventory, "setup") == failed(inventory, "status") == {"two", "three"}


@pytest.mark.parametrize("hosts", ["one", "one,two"])
def test_a_host_that_is_removed_by_its_name_is_forgotten_too(
    three: Fleet, hosts: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(three.folder / "state"))
    Memory(three.inventory, "setup").begins(list(three.hosts), whole=True)
    command = [f"{BIN}/nbfab", "-S", str(three.config), "-H", hosts, "remove", "--yes"]
    env = three.machine.env | {"XDG_STATE_HOME": str(three.folder / "state")}
    done = subprocess.run(command, env=env, cwd=three.folder, capture_output=True, text=True, check=False)
    assert done.stdout.count("nothing to remove") == len(hosts.split(",")), done.stderr
    assert failed(three.inventory, "setup") == {*three.hosts} - {*hosts.split(",")}
