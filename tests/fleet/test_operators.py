"""Two operators, or two names, and one machine: whose password counts, and which rows say so."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from machine import BIN, PASSWORD
from notebook_client import logs_in
from relay import BOTH, RELAY
from sshd_fleet import Fleet

from nbfab.fleet.handout import UNCERTAIN
from nbfab.plan import pem

ROUNDS = int(os.environ.get("NBFAB_ROUNDS", "2"))  # of the two operators


@dataclass
class Operator:
    """One of several people who run nbfab on the same hosts, from a folder and a home folder of their own."""

    fleet: Fleet
    folder: Path

    def __post_init__(self) -> None:
        (self.folder / "home").mkdir(parents=True)
        (self.folder / "hosts.yaml").write_text(self.fleet.inventory.read_text())

    def starts(self, task: str, *args: str, **env: str) -> "subprocess.Popen[str]":
        """Begins a task on all hosts."""
        return subprocess.Popen(
            [f"{BIN}/nbfab", "-S", str(self.fleet.config), f"fleet.{task}", *args],
            env=self.fleet.machine.env | {"HOME": str(self.folder / "home")} | env,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def runs(self, task: str, *args: str, **env: str) -> str:
        """What a task prints on standard output."""
        told, errors = self.starts(task, *args, **env).communicate(timeout=240)
        assert "Traceback" not in errors
        return told

    @property
    def rows(self) -> list[dict[str, str]]:
        """The rows of all sheets in the folder."""
        return [row for sheet in sorted(self.folder.glob("*.csv")) for row in rows(sheet)]


def rows(sheet: Path) -> list[dict[str, str]]:
    with sheet.open(newline="") as file:
        return list(csv.DictReader(file))


def log_in(fleet: Fleet, row: Mapping[str, str]) -> bool:
    """Whether the password in a row is the one of its host, by whichever of its names that is listed."""
    name = row["host"].removesuffix(".lab")
    return logs_in(fleet.ports[name], fleet.profile(name), row["password"])


def certificate(fleet: Fleet, name: str) -> tuple[str, str]:
    """The pin and the fingerprint of a host's certificate."""
    found = pem.load((fleet.profile(name) / "nbserver.pem").read_text())
    assert found
    return pem.pin(found), pem.fingerprint(found)


def test_of_two_operators_at_once_each_has_the_passwords_that_count(three: Fleet, tmp_path: Path) -> None:
    """They know each host by another name."""
    three.config.write_text(re.sub(r"^Host (\w+)$", r"Host \1 \1.lab", three.config.read_text(), flags=re.MULTILINE))
    for number in range(ROUNDS):
        ann, bob = (Operator(three, tmp_path / f"{name}{number}") for name in ("ann", "bob"))
        hosts = bob.folder / "hosts.yaml"
        hosts.write_text(re.sub(r"^  (\w+):", r"  \1.lab:", hosts.read_text(), flags=re.MULTILINE))
        runs = [operator.starts("setup", "--yes", "--json") for operator in (ann, bob)]
        ended = [json.loads(run.communicate(timeout=240)[0])["hosts"] for run in runs]
        for name in three.hosts:
            ways = [host for hosts in ended for host in hosts if host["host"].removesuffix(".lab") == name]
            assert "changed" in {host["verdict"] for host in ways}, ways
        both = ann.rows + bob.rows
        # One row for each host, in whichever sheet; the other operator has none.
        assert sorted(row["host"].removesuffix(".lab") for row in both) == sorted(three.hosts), both
        before = {name: certificate(three, name) for name in three.hosts}
        for row in both:
            assert row["note"] == "", row
            assert log_in(three, row), row
        for operator in (ann, bob):
            operator.runs("setup", "--yes")  # which may add the operator's own name
        settled = {name: certificate(three, name) for name in three.hosts}
        assert {name: pin for name, (pin, _) in settled.items()} == {name: pin for name, (pin, _) in before.items()}
        for operator in (ann, bob):
            assert "3 unchanged" in operator.runs("setup", "--yes")
        assert {name: certificate(three, name) for name in three.hosts} == settled
        # The rows are as they were, but for certificates that have got a name since.
        now = [row | {"fingerprint": settled[row["host"].removesuffix(".lab")][1]} for row in both]
        assert ann.rows + bob.rows == now
        assert all(log_in(three, row) for row in both)
        assert "3 changed" in ann.runs("stop")
        for name in three.hosts:
            shutil.rmtree(three.profile(name))


def test_a_row_says_that_someone_else_has_set_another_password_since(three: Fleet, tmp_path: Path) -> None:
    ann, bob = (Operator(three, tmp_path / name) for name in ("ann", "bob"))
    ann.runs("setup", "--yes", "--limit", "one,two")
    before = ann.rows
    assert [row["note"] for row in before] == ["", ""]
    assert "1 changed" in bob.runs("password", "--limit", "two", "--restart", NBFAB_PASSWORD=PASSWORD)
    status = ann.starts("status", "--limit", "one,two")
    _, errors = status.communicate(timeout=120)
    assert re.search(r"the notes in .*\.csv were corrected", errors)
    one, two = sorted(ann.rows, key=lambda row: row["host"])
    assert (one["note"], log_in(three, one)) == ("", True)
    assert two["note"].startswith("no longer valid: another password has been set on the host since")
    assert [one["password"], two["password"]] == [
        row["password"] for row in sorted(before, key=lambda row: row["host"])
    ]


def test_two_names_of_one_machine_are_told_before_it_is_contacted(three: Fleet) -> None:
    three.config.write_text(three.config.read_text().replace("Host one\n", "Host one also ALSO.example.org\n"))
    port = three.ports["one"]
    with three.inventory.open("a") as inventory:
        inventory.write(f"  also: {{port: {port}}}\n  apart: {{address: also, port: {port + 1}, profile: second}}\n")
    user = re.search(r"^user (.*)$", _ssh_g(three, "one"), re.MULTILINE)
    assert user
    plan = three.json("plan")
    assert {name: host["verdict"] for name, host in plan.items()} == {
        "one": "would change",
        "two": "would change",
        "three": "would change",
        "also": "refused",
        "apart": "would change",
    }
    where = f"{user[1]}@127.0.0.1:{three.hosts['one'].port}, profile nbserver"
    assert plan["also"]["error"] == f"it is the same server as one: {where}"
    command, other = plan["also"]["fix"]
    assert other == {"words": "or give it a profile: of its own"}
    assert command["command"].endswith(f"fleet.plan --inventory {three.inventory} --json '--limit=!also'")
    assert three.execs() == {"one": 2, "two": 1, "three": 1}  # `apart` is on the same machine

    done = three.run("setup", "--yes", "--limit", "one,also")
    assert done.returncode == 1
    assert re.search(r"also +refused +it is the same server as one", done.stdout)
    assert re.search(r"fix for also:\n +\S+ .* --yes '--limit=one,also,!also'\n", done.stdout)
    (sheet,) = three.folder.glob("*.csv")
    (row,) = rows(sheet)
    assert (row["host"], row["note"]) == ("one", "")
    assert log_in(three, row)
    assert three.run("status", "--limit", "one,also,!also").returncode == 0
    refused = subprocess.run(
        [f"{BIN}/nbfab", "-S", str(three.config), "-H", "one,ALSO.example.org", "status"],
        env=three.machine.env,
        cwd=three.work,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "ALSO.example.org: refused" in refused.stderr
    assert "omit it from -H" in refused.stderr


def _ssh_g(fleet: Fleet, name: str) -> str:
    return subprocess.run(["ssh", "-F", fleet.config, "-G", name], capture_output=True, text=True, check=True).stdout


def test_openssh_is_asked_once_for_each_host(three: Fleet, tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    (tmp_path / "bin").mkdir()
    ssh = tmp_path / "bin/ssh"
    ssh.write_text(f'#!/bin/sh\nPATH={os.environ["PATH"]}\necho "$*" >>{asked}\nexec ssh "$@"\n')
    ssh.chmod(0o755)
    assert three.run("plan", PATH=f"{tmp_path}/bin:{three.machine.env['PATH']}").returncode == 0
    names = [line.split()[-1] for line in asked.read_text().splitlines() if "-G" in line.split()]
    assert sorted(names) == sorted(three.hosts)


def test_a_password_whose_host_was_cut_off_is_not_certain_until_it_is_seen(three: Fleet, tmp_path: Path) -> None:
    relay = tmp_path / "relay.py"
    relay.write_text(RELAY)
    sign = three.profile("one") / "jupyter_server_config.json"
    way = three.ways["one"]
    three.ways["one"] = f"{way}\n  ProxyCommand {sys.executable} {relay} {three.hosts['one'].port} {BOTH} {sign}"
    three.write()
    done = three.run("setup", "--yes", "--limit", "one,two")
    assert re.search(r"one +not reached +.*the connection was cut", done.stdout), done.stdout
    (sheet,) = three.folder.glob("*.csv")
    assert {row["host"]: row["note"] for row in rows(sheet)} == {"one": UNCERTAIN, "two": ""}
    three.ways["one"] = way
    three.write()
    assert three.run("plan", "--limit", "one").returncode == 0
    assert {row["host"]: row["note"] for row in rows(sheet)} == {"one": "", "two": ""}
    three.run("setup", "--yes", "--limit", "one")
    assert all(log_in(three, row) for row in rows(sheet))
