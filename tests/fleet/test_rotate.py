"""`fleet.rotate`: new passwords into the handout, and no kernel is lost."""

import csv
import re
import sys
import urllib.error
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from disk import fill
from machine import PASSWORD
from notebook_client import Notebook, logs_in
from relay import BOTH, RELAY
from sshd import wait_until
from sshd_fleet import Fleet, fleet_of
from terminal import Terminal

from nbfab.fleet.handout import UNCERTAIN
from nbfab.passwords import Password
from nbfab.plan.password import hash_in

MANY = 20
AT_A_TIME = 4  # servers that start


def rows(fleet: Fleet) -> list[dict[str, str]]:
    """The rows of the handout."""
    with (fleet.folder / "hosts-passwords.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def passwords(fleet: Fleet) -> dict[str, str]:
    """The passwords in the handout, each of which counts, by host."""
    assert {row["note"] for row in rows(fleet)} <= {""}
    return {row["host"]: row["password"] for row in rows(fleet)}


def fits(fleet: Fleet, name: str, password: str) -> bool:
    """Whether a password is the one that the host has."""
    return Password(password).fits(hash_in((fleet.profile(name) / "jupyter_server_config.json").read_text()))


@dataclass
class Person:
    """Someone at work on a host, in a kernel with a variable of their own."""

    fleet: Fleet
    name: str
    password: str

    def begin(self) -> None:
        """Logs in, and gives the variable its value."""
        self.browser = self.logged_in(self.password)
        self.kernel = self.browser.post("/api/kernels", {"name": "nbserver"})["id"]
        assert self.browser.evaluates(self.kernel, "mine", f"mine = {self.name!r}") == repr(self.name)

    def logged_in(self, password: str) -> Notebook:
        return Notebook(self.fleet.ports[self.name], self.fleet.profile(self.name), password)

    def goes_on(self, password: str) -> None:
        """The cookie and the password of before are refused, and by the new one all is as it was."""
        with pytest.raises(urllib.error.HTTPError, match="403"):
            self.browser.get("/api/kernels")
        assert not logs_in(self.fleet.ports[self.name], self.fleet.profile(self.name), self.password)
        assert self.logged_in(password).evaluates(self.kernel, "mine") == repr(self.name)


def test_twenty_hosts_with_live_kernels_are_rotated(tmp_path: Path, stack: ExitStack) -> None:
    fleet = fleet_of([f"gpu{number:02}" for number in range(1, MANY + 1)], tmp_path, stack)
    done = fleet.run("setup", "--yes", "--jobs", str(AT_A_TIME))
    assert done.returncode == 0, done.stdout
    before = passwords(fleet)
    people = [Person(fleet, name, password) for name, password in before.items()]
    with ThreadPoolExecutor(AT_A_TIME) as threads:
        list(threads.map(Person.begin, people))

    done = fleet.run("rotate", "--yes")
    assert done.returncode == 0, done.stdout
    assert len(re.findall(r"^gpu\d\d +changed ", done.stdout, re.MULTILINE)) == MANY
    after = passwords(fleet)
    assert list(after) == list(fleet.hosts)
    assert not set(after.values()) & set(before.values())
    assert not [password for password in after.values() if password in done.stdout + done.stderr]
    with ThreadPoolExecutor(AT_A_TIME) as threads:
        list(threads.map(lambda person: person.goes_on(after[person.name]), people))


def prepared(fleet: Fleet) -> dict[str, str]:
    """The passwords of hosts that have one, a certificate, and no server."""
    for task in ("password", "certificate"):
        assert fleet.run(task).returncode == 0
    return passwords(fleet)


def test_a_host_that_fails_keeps_its_old_row(tmp_path: Path, stack: ExitStack) -> None:
    fleet = fleet_of(["one", "two", "three"], tmp_path, stack, {"two": "4m"})
    before = prepared(fleet)
    filler = fleet.hosts["two"].files / ".local/share/filler"
    with filler.open("wb", buffering=0) as disk:
        fill(disk)
    done = fleet.run("rotate", "--yes", "--new-key")
    assert done.returncode == 1
    assert re.search(r"^two +failed ", done.stdout, re.MULTILINE)
    after = passwords(fleet)
    assert {name: after[name] == before[name] for name in before} == {"one": False, "two": True, "three": False}
    assert all(fits(fleet, name, password) for name, password in after.items())
    filler.unlink()
    assert fleet.run("rotate", "--yes", "--failed").returncode == 0
    last = passwords(fleet)
    assert {name for name in last if last[name] != after[name]} == {"two"}
    assert all(fits(fleet, name, password) for name, password in last.items())


def test_until_a_host_has_confirmed_its_password_the_old_row_stays_beside_it(three: Fleet, tmp_path: Path) -> None:
    before = prepared(three)
    relay, way = tmp_path / "relay.py", three.ways["one"]
    relay.write_text(RELAY)
    # Cut as soon as the host has the new hash, which is before it has said so.
    hashed, sign = three.profile("one") / "jupyter_server_config.json", tmp_path / "sign"
    old = hashed.read_text()
    three.ways["one"] = f"{way}\n  ProxyCommand {sys.executable} {relay} {three.hosts['one'].port} {BOTH} {sign}"
    three.write()

    def watch() -> None:
        wait_until(lambda: hashed.read_text() != old, "another hash")
        sign.touch()

    with ThreadPoolExecutor(1) as thread:
        watching = thread.submit(watch)
        done = three.run("rotate", "--yes", "--limit", "one,two")
        watching.result()
    assert re.search(r"^one +not reached ", done.stdout, re.MULTILINE), done.stdout
    both = [row for row in rows(three) if row["host"] == "one"]
    assert [(row["password"] == before["one"], row["note"]) for row in both] == [(True, ""), (False, UNCERTAIN)]
    three.ways["one"] = way
    three.write()
    assert three.run("plan", "--limit", "one").returncode == 0
    counts = [row["password"] for row in rows(three) if row["host"] == "one" and not row["note"]]
    assert len(counts) == 1
    assert fits(three, "one", counts[0])
    assert counts[0] != before["one"]


def test_on_a_terminal_it_shows_what_would_be_replaced_and_asks(three: Fleet) -> None:
    before = prepared(three)
    with Terminal(three.machine) as terminal:
        terminal.type(" ".join(three.command("rotate", "--new-key")) + "; echo status=$?")
        terminal.shows("Go on? [y/N]")
        assert "rewrite the hash of the new password" in terminal.screen
        assert "a new key is wanted" in terminal.screen
        terminal.type("n")
        assert "nothing was changed" in terminal.shows("status=1")
        assert passwords(three) == before
        assert all(fits(three, name, password) for name, password in before.items())
        terminal.clear()
        terminal.type(" ".join(three.command("rotate")) + "; echo status=$?")
        terminal.shows("Go on? [y/N]")
        terminal.type("y")
        assert "3 changed" in terminal.shows("status=0")
    assert not set(passwords(three).values()) & set(before.values())


def test_the_document_and_a_handout_of_its_own(three: Fleet) -> None:
    before = prepared(three)
    hosts = three.json("rotate", "--handout", "mine.csv", "--limit", "one,two")
    assert {name: host["verdict"] for name, host in hosts.items()} == {"one": "changed", "two": "changed"}
    assert all(host["password"] is None for host in hosts.values())
    with (three.work / "mine.csv").open(newline="") as file:
        mine = {row["host"]: row["password"] for row in csv.DictReader(file)}
    assert list(mine) == ["one", "two"]
    assert all(fits(three, name, password) for name, password in mine.items())
    assert {row["host"]: bool(row["note"]) for row in rows(three)} == {"one": True, "two": True, "three": False}
    assert fits(three, "three", before["three"])
    # One for all, that no host has yet; and none to be had twice.
    assert three.run("rotate", NBFAB_PASSWORD=PASSWORD).returncode == 0
    again = three.run("rotate", NBFAB_PASSWORD=PASSWORD)
    assert again.returncode == 1
    assert "that is the password it has, and a rotation takes another one" in again.stdout
