"""`list`: what this machine remembers of servers, and what it finds with --check."""

import json
import shlex
import subprocess
from typing import Any

from documents import check_document
from home import snapshot
from machine import ROOT, Machine
from sshd import free_port
from sshd_fleet import Fleet
from terminal import Terminal


def listed(machine: Machine, *args: str, status: int = 0) -> list[dict[str, Any]]:
    """The servers in the document of `nbfab list`, which has this exit status."""
    done = nbfab(machine, "list", "--json", *args)
    document = json.loads(done.stdout)
    check_document(document)
    assert (done.returncode, document["status"]) == (status, status), done.stdout + done.stderr
    return list(document["servers"])


def nbfab(machine: Machine, *args: str) -> subprocess.CompletedProcess[str]:
    """A call without -H and -S."""
    return subprocess.run(
        ["nbfab", *args], env=machine.env, cwd=machine.work, capture_output=True, text=True, check=False
    )


def text(machine: Machine, *args: str, status: int = 0) -> str:
    """What `nbfab list` prints."""
    done = nbfab(machine, "list", *args)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_nothing_is_remembered_until_a_task_has_seen_a_server(here: Machine) -> None:
    before = snapshot(here.home)
    first, *commands = text(here).splitlines()
    assert first == "no servers yet: the list has those that a task here has seen, such as"
    assert [line.strip() for line in commands] == ["nbfab setup", "nbfab -H HOST status"]
    # `fab`, which does nothing else without a host, lists too.
    by_fab = subprocess.run(["fab", "list"], env=here.env, cwd=ROOT, capture_output=True, text=True, check=True)
    assert by_fab.stdout.splitlines()[0] == first
    assert text(here, "--quiet") == ""
    here.fails("status")
    here.ok("plan")
    assert listed(here) == []
    assert snapshot(here.home) == before  # what only looks leaves nothing here
    assert "name them by -H" in text(here, "--forget", status=2)


def test_this_machine_is_remembered_until_remove(here: Machine) -> None:
    before = snapshot(here.home)
    here.ok("setup")
    (one,) = listed(here)
    assert (one["host"], one["profile"], one["port"], one["inventory"]) == ("this machine", "nbserver", here.port, None)
    assert (one["seen"], one["expected"], one["url"]) == ("running", "running", f"https://localhost:{here.port}/")
    assert "this machine  nbserver" in here.ok("list")
    file = here.home / ".local/state/nbfab/servers.json"
    assert file.stat().st_mode & 0o777 == 0o600
    here.kill_server()
    assert listed(here)[0]["seen"] == "running"  # offline, it is as it was seen
    (dead,) = listed(here, "--check", status=1)
    assert (dead["seen"], dead["expected"]) == ("not running", "running")
    assert dead["error"].startswith("it does not run: ")
    shown = text(here, "--check", status=1)
    assert "this machine: it does not run: " in shown
    # The fix is typed as it stands.
    (fix,) = [part["command"] for part in dead["fix"] if "command" in part]
    subprocess.run(shlex.split(fix), env=here.env, cwd=here.work, capture_output=True, check=True)
    assert listed(here, "--check")[0]["seen"] == "running"
    here.ok("stop")
    (stopped,) = listed(here, "--check")
    assert (stopped["seen"], stopped["expected"]) == ("not running", "not running")
    assert stopped["error"] == "it does not run: it was stopped"
    here.ok("remove", "--yes")
    assert listed(here) == []
    assert snapshot(here.home) == before


def test_hosts_are_found_again_by_how_they_were_reached(there: Machine) -> None:
    there.program = "nbfab"
    other = free_port()
    there.ok("setup")
    there.ok("setup", "--profile=two", NBFAB_PORT=str(other))
    first, second = listed(there, "--check")
    assert [first["profile"], second["profile"]] == ["nbserver", "two"]
    assert [first["port"], second["port"]] == [there.port, other]
    assert {first["host"], second["host"]} == {"box"}
    # The command reaches it from any folder.
    done = subprocess.run(
        shlex.split(second["command"]), env=there.env, cwd="/", capture_output=True, text=True, check=True
    )
    assert "running" in done.stdout
    there.ok("remove", "--yes", "--profile=two")
    assert [one["profile"] for one in listed(there)] == ["nbserver"]
    assert there.sshd
    there.sshd.stop()
    assert listed(there)[0]["seen"] == "running"
    (lost,) = listed(there, "--check", status=1)
    assert (lost["seen"], lost["expected"]) == ("not reached", "running")
    assert "refused" in lost["error"]
    assert nbfab(there, "-H", "bax", "list").returncode == 2
    assert "forgotten: box, profile nbserver" in nbfab(there, "-H", "box", "list", "--forget").stdout
    assert listed(there) == []


def test_a_look_changes_nothing_on_the_host(there: Machine) -> None:
    there.ok("setup")
    assert there.sshd
    before, commands = snapshot(there.sshd.home), len(there.sshd.commands)
    listed(there, "--check")
    after = snapshot(there.sshd.home)
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert not [path for path in changed if "server.log" not in path]
    assert len(there.sshd.commands) == commands + 1


def test_a_fleet_is_listed_by_its_inventory(three: Fleet) -> None:
    three.run("setup", "--yes")
    machine, inventory = three.machine, str(three.inventory.resolve())
    servers = listed(machine, "--check", "--jobs", "2")
    assert [one["host"] for one in servers] == ["one", "three", "two"]
    assert {one["inventory"] for one in servers} == {inventory}
    assert {one["seen"] for one in servers} == {"running"}
    _, empty, heading, *lines = text(machine).splitlines()
    assert (empty, heading) == ("", f"{inventory}:")
    assert [line.split()[:4] for line in lines] == [
        [name, "nbserver", str(three.ports[name]), "running"] for name in ("one", "three", "two")
    ]
    three.run("stop", "--limit", "one")
    three.hosts["two"].stop()
    shown = text(machine, "--check", "--quiet", status=1)
    assert "two: " in shown
    assert "one" not in shown
    three.run("remove", "--yes", "--limit", "one,three")
    assert [one["host"] for one in listed(machine)] == ["two"]


def test_a_check_shows_what_it_does_on_a_terminal(here: Machine) -> None:
    here.ok("setup")
    with Terminal(here) as terminal:
        terminal.task("list", "--check")
        assert "running" in terminal.shows("status=0")
