"""`--json`: one document on standard output, whatever happens."""

import json
import os
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest
from documents import check_document
from machine import BIN, ROOT, Machine
from sshd import free_port

pytestmark = pytest.mark.real  # starts whole programs


@pytest.fixture
def person(tmp_path: Path) -> Machine:
    """Someone with a home folder, and an inventory of a host that refuses and one that ssh_config does not know."""
    machine = Machine(tmp_path, program=f"{BIN}/nbfab")
    (machine.work / "hosts.yaml").write_text(f"hosts: {{a: {{address: 127.0.0.1, ssh_port: {free_port()}}}, b: }}\n")
    (machine.work / "ssh_config").write_text(f"Host *\n  HostName 127.0.0.1\n  Port {free_port()}\n")
    return machine


def document(person: Machine, *args: str, status: int, cwd: Path | None = None) -> dict[str, Any]:
    """The document that a command prints; there is nothing else on standard output."""
    done = subprocess.run(
        args, env=person.env, cwd=cwd or person.work, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    told = json.loads(done.stdout)
    check_document(told)
    assert told["status"] == status
    return dict(told)


NBFAB = f"{BIN}/nbfab"
OVER_SSH = (NBFAB, "-S", "ssh_config")


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ((NBFAB, "setup", "--json", "--port", "0"), "port must be"),
        ((NBFAB, "setup", "--json", "--prot", "1"), "setup has no option --prot"),
        ((NBFAB, "--no-such", "setup", "--json"), "there is no option --no-such"),
        ((NBFAB, "sutup", "--json"), "there is no task 'sutup'"),
        ((NBFAB, "--dry", "setup", "--json"), "a dry run is a task of its own"),
        ((NBFAB, "-H", "", "setup", "--json"), "-H names no host"),
        ((NBFAB, "plan", "status", "--json"), "--json takes one task at a time"),
        ((NBFAB, "plan", "--json", "status", "--json"), "--json takes one task at a time"),
        ((NBFAB, "-H", "a,b,-x", "setup", "--json"), "is not a host name"),
        ((NBFAB, "-H", "a,b", "setup", "--json", "--port", "0"), "port must be"),
        ((NBFAB, "-H", "a,b", "open", "--json"), "open takes one host"),
        ((NBFAB, "-f", "/no/such.yaml", "setup", "--json"), "no such file"),
        ((NBFAB, "-H", "a", "fleet.setup", "--json"), "not of -H"),
        ((NBFAB, "fleet.setup", "--json", "--jobs", "0"), "jobs must be"),
        ((NBFAB, "fleet.setup", "--json", "--limit", "z"), "no host or group is called 'z'"),
        ((NBFAB, "fleet.setup", "--json", "--failed"), "has not been run"),
        ((NBFAB, "fleet.page", "--json", "--inventory", "none.yaml"), "no such file"),
        ((NBFAB, "-t", "5000000", "-H", "a", "setup", "--json"), "is not a time to connect in"),
    ],
)
def test_a_usage_error(person: Machine, command: tuple[str, ...], error: str) -> None:
    told = document(person, *command, status=2)
    assert error in told["error"]
    assert (told["hosts"], told["status"]) == ([], 2)


@pytest.mark.parametrize("program", ["inv", "fab"])
def test_a_usage_error_under_the_other_programs(person: Machine, program: str) -> None:
    where = ("-r", str(ROOT)) if program == "inv" else ()
    told = document(person, f"{BIN}/{program}", *where, "setup", "--json", "--port", "0", status=2, cwd=ROOT)
    assert told["error"]


@pytest.mark.parametrize(
    ("args", "task", "hosts"),
    [
        (("-H", "a", "plan"), "plan", ["a"]),
        (("-H", "a,c", "plan"), "plan", ["a", "c"]),
        (("fleet.plan",), "plan", ["a", "b"]),
        (("fleet.setup", "--limit", "b"), "setup", ["b"]),
        (("fleet.page",), "page", ["a", "b"]),
    ],
)
def test_hosts_that_are_not_reached(person: Machine, args: tuple[str, ...], task: str, hosts: list[str]) -> None:
    told = document(person, *OVER_SSH, *args, "--json", status=1)
    assert told["task"] == task
    assert [(host["host"], host["verdict"]) for host in told["hosts"]] == [(name, "not reached") for name in hosts]


def test_this_machine(person: Machine) -> None:
    (host,) = document(person, NBFAB, "plan", "--json", status=0)["hosts"]
    assert (host["host"], host["verdict"]) == ("this machine", "would change")
    assert {"step", "kind", "summary"} <= set(host["changes"][0])


def test_a_configuration_that_cannot_be_read(person: Machine) -> None:
    (person.home / ".fabric.yaml").write_text("nbfab: {port: 1\n")
    assert "configuration cannot be read" in document(person, NBFAB, "plan", "--json", status=2)["error"]


@pytest.mark.parametrize("args", [("-H", "slow", "plan"), ("-H", "slow,a", "plan"), ("fleet.plan",), ("fleet.page",)])
def test_control_c(person: Machine, args: tuple[str, ...]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        (person.work / "ssh_config").write_text(
            f"Host slow\n  HostName 127.0.0.1\n  Port {silent.getsockname()[1]}\nConnectTimeout 60\n"
        )
        (person.work / "hosts.yaml").write_text("hosts: {slow: , slower: {address: slow}}\n")
        process = subprocess.Popen(
            [*OVER_SSH, *args, "--json"],
            env=person.env,
            cwd=person.work,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        silent.accept()
        process.send_signal(signal.SIGINT)
        told = json.loads(process.communicate(timeout=60)[0])
    assert process.returncode == 130
    check_document(told)
    assert told["status"] == 130
    assert "interrupted" in {host["verdict"] for host in told["hosts"]} or told["status"] == 130
    if "-H" in args:  # which has no --failed
        assert "--failed" not in str([host["hint"] for host in told["hosts"]])


def test_what_goes_wrong_after_the_document_is_told_on_standard_error(person: Machine) -> None:
    env = person.env | {"XDG_STATE_HOME": f"{person.work}/hosts.yaml"}
    done = subprocess.run(
        [*OVER_SSH, "fleet.plan", "--json"], env=env, cwd=person.work, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert len(json.loads(done.stdout)["hosts"]) == 2
    assert "so --failed will not know of this run" in done.stderr


@pytest.mark.parametrize("args", [("sutup",), ("-H", "", "setup")])
def test_a_reader_that_has_left_before_a_usage_error(person: Machine, args: tuple[str, ...]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [NBFAB, *args, "--json"]
    done = subprocess.run(
        command, env=person.env, cwd=person.work, stdout=writer, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_host_that_must_not_be_contacted_does_not_keep_the_others_from_their_turn(person: Machine) -> None:
    (person.work / "hosts.yaml").write_text("all: {hosts: {odd: {ansible_connection: local}, a: }}\n")
    told = document(person, *OVER_SSH, "-H", "odd,a", "plan", "--json", status=1)
    assert [(host["host"], host["verdict"]) for host in told["hosts"]] == [("odd", "refused"), ("a", "not reached")]
    alone = document(person, *OVER_SSH, "-H", "odd", "plan", "--json", status=2)
    assert "does not reach it over SSH" in alone["error"]
