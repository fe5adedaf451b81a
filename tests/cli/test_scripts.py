"""What scripts and cron go by: exit statuses, silence, documents."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from documents import check_document
from machine import BIN, ROOT, Machine
from sshd import free_port
from sshd_fleet import Fleet

from nbfab.cli.many import exit_status
from nbfab.cli.statuses import STATUSES
from nbfab.display.document import FILES, LISTS, document
from nbfab.errors import Interrupted, NbfabError, UsageError
from nbfab.fleet.run import Run
from nbfab.outcome import DUE, Outcome, Verdict
from nbfab.tunnel.carrier import NeedsPerson

HOSTS: dict[str, tuple[Verdict, int]] = {
    "right": ("unchanged", 0),
    "due": ("would change", DUE),
    "wrong": ("failed", 1),
    "away": ("not reached", 1),
    "misused": ("refused", 2),
    "stopped": ("interrupted", 130),
}


@pytest.mark.parametrize(
    ("names", "status"),
    [
        ("", 0),
        ("right", 0),
        ("right due", 3),
        ("due wrong", 1),
        ("away due right", 1),
        ("misused", 1),
        ("due stopped", 1),
    ],
)
def test_of_several_hosts_a_failure_counts_more_than_a_change(names: str, status: int) -> None:
    outcomes = [Outcome(name, "plan", HOSTS[name][0], status=HOSTS[name][1]) for name in names.split()]
    run = Run(names.split(), "plan")
    assert exit_status(outcomes, run) == status
    run.interrupted = KeyboardInterrupt()
    assert exit_status(outcomes, run) == 130


def test_the_table_has_every_exit_status() -> None:
    known = {0, NbfabError.status, UsageError.status, DUE, NeedsPerson.ends_with, Interrupted.status, 141}
    assert set(STATUSES) == known
    text = (ROOT / "docs/reference.md").read_text()
    table = text.split("## Exit statuses")[1].split("##")[0]
    assert re.findall(r"^\| ([0-9]+) \|", table, re.MULTILINE) == [str(status) for status in STATUSES]


def test_a_document_has_the_same_keys_whatever_happened() -> None:
    wrong = document("", [], 2, error=UsageError("no such option"))
    right = document("plan", [Outcome("box", "plan", "unchanged")], 0, page="/x/fleet.html")
    assert re.findall(r'^  "(\w+)"', wrong, re.MULTILINE) == re.findall(r'^  "(\w+)"', right, re.MULTILINE)


def cron(machine: Machine, *args: str) -> tuple[int, str]:
    """The exit status of a command under cron, and what would be in the mail: a bare environment, and no terminal."""
    bare = {"HOME": str(machine.home), "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh", "LOGNAME": "root"}
    done = subprocess.run(
        ["env", "-i", *(f"{name}={value}" for name, value in bare.items()), f"{BIN}/nbfab", *args],
        cwd=machine.home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        text=True,
        timeout=240,
        check=False,
    )
    return done.returncode, done.stdout


def test_under_cron_a_machine_that_is_as_wanted_is_silent(here: Machine) -> None:
    assert cron(here, "status", "--quiet")[0] == 1
    assert cron(here, "plan", "--check", f"--port={here.port}")[0] == 3
    status, mail = cron(here, "setup", "--quiet", f"--port={here.port}", f"--python={here.env['NBFAB_PYTHON']}")
    assert status == 0
    assert mail.startswith("this machine: changed\n")  # and no line of progress before it
    assert f"https://localhost:{here.port}/" in mail
    assert "Password: " in mail
    for task in ("setup", "serve", "start", "certificate", "plan --check", "status --days-left 30"):
        assert cron(here, *task.split(), "--quiet") == (0, ""), task
    status, mail = cron(here, "status", "--days-left", "366", "--quiet")
    assert status == 3
    assert mail.startswith("this machine: running\n")
    assert "its certificate has 365 days left, fewer than 366" in mail
    assert "fix " not in mail  # there is nothing to renew yet
    status, mail = cron(here, "restart", "--quiet")
    assert (status, mail.splitlines()[0]) == (0, "this machine: changed")
    status, mail = cron(here, "stop", "--quiet")
    assert (status, mail.splitlines()[0]) == (0, "this machine: changed")
    assert cron(here, "stop", "--quiet") == (0, "")
    status, mail = cron(here, "status", "--days-left", "366", "--quiet")
    assert status == 1
    assert "not running" in mail


def test_a_certificate_that_nbfab_would_renew_is_told_with_the_command(here: Machine) -> None:
    here.ok("setup", "--days", "20")
    here.program = str(later(here, days=15))
    told = here.json("status", "--days-left", "10")
    assert (told["verdict"], told["status"], told["state"]["days_left"]) == ("running", 3, 5)
    assert told["hint"] == shlex.join(here.command("certificate"))
    here.ok("certificate")
    assert here.json("status", "--days-left", "10")["status"] == 0


def later(machine: Machine, days: int) -> Path:
    """`inv`, that many days from now."""
    program = machine.home / "inv"
    program.write_text(
        f"#!{BIN}/python\nimport time\n\nnow = time.time\ntime.time = lambda: now() + {days * 86400}\n\n"
        "from invoke.main import program\n\nprogram.run()\n"
    )
    program.chmod(0o755)
    return program


@pytest.mark.parametrize("days", ["0", "-1", "x", "1.5", "3651", ""])
def test_days_left_is_a_number_of_days(served: Machine, days: str) -> None:
    assert "days-left must be a whole number from 1 to 3650" in served.fails("status", f"--days-left={days}", status=2)


def test_the_document_of_a_status_says_whether_it_runs(served: Machine) -> None:
    told = served.json("status")
    assert (told["verdict"], told["state"]["running"]) == ("running", True)
    told = served.json("status", "--profile", "other")
    assert (told["verdict"], told["state"]["running"]) == ("not running", False)
    for task in ("plan", "setup", "certificate", "start", "stop", "remove"):
        stopped = served.json(task, "--profile", "other", NBFAB_PORT="1")
        assert (stopped.keys(), stopped["state"].keys()) == (told.keys(), told["state"].keys())


def test_quiet_leaves_a_document_as_it_is(served: Machine) -> None:
    done = served.run("setup", "--json", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    assert '"verdict": "unchanged"' in done.stdout


def test_a_fleet_is_silent_but_for_what_changes_or_fails(three: Fleet) -> None:
    assert three.run("plan", "--check").returncode == 3
    assert three.run("setup", "--limit", "one,two", "--quiet").returncode == 0
    done = three.run("plan", "--check", "--quiet")
    assert (done.returncode, done.stderr) == (3, "")
    assert done.stdout.startswith("three: new\n")
    assert "two" not in done.stdout
    done = three.run("setup", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^three +changed ", done.stdout, re.MULTILINE)
    assert not re.search(r"^(one|two) ", done.stdout, re.MULTILINE)
    assert "URLs and passwords, for you alone: " in done.stdout
    for words in (("setup",), ("plan", "--check"), ("status", "--days-left", "30"), ("start",), ("page",)):
        done = three.run(*words, "--quiet")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), words
    assert three.run("status", "--days-left", "366").returncode == 3
    assert {host["verdict"] for host in three.json("restart").values()} == {"changed"}
    assert {host["verdict"] for host in three.json("start").values()} == {"unchanged"}


def test_on_a_fleet_a_failure_counts_more_than_what_would_change(three: Fleet) -> None:
    three.ways["one"] = f"Port {free_port()}"
    three.write()
    done = three.run("plan", "--check", "--quiet")
    assert done.returncode == 1
    assert "one: not reached: " in done.stdout
    assert "2 hosts (two, three): new" in done.stdout
    assert [host["status"] for host in three.json("plan", "--check").values()] == [1, 3, 3]
    # The others have not failed.
    assert list(three.json("plan", "--check", "--failed")) == ["one"]
    assert three.run("plan", "--check", "--limit", "!one").returncode == 3


def test_of_hosts_that_h_names_only_news_are_printed(there: Machine) -> None:
    assert there.sshd
    there.sshd.write_config("Host odd\n  ProxyCommand socat - TCP:127.0.0.1:1\n")
    there.ok("setup")
    command = [f"{BIN}/nbfab", "-S", str(there.sshd.config), "-H", "box,odd", "setup", "--quiet"]
    done = subprocess.run(command, env=there.env, cwd=there.work, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("odd: not reached\n")
    assert "box:" not in done.stderr
    assert (there.run("setup", "--quiet").stdout, there.run("setup", "--quiet").stderr) == ("", "")


def test_the_schema_takes_no_other_key() -> None:
    told = {"version": 2, "task": "plan", "status": 0, "error": None, "hint": None, "fix": [], "hosts": []}
    told |= dict.fromkeys({*LISTS, *FILES} - {"page"})
    check_document(told | {"page": None})
    for wrong in (told, told | {"page": None, "more": 1}, told | {"page": ""}):
        with pytest.raises(Exception, match=r"page|more|short"):
            check_document(wrong)
