"""Why a server does not run, as `status` tells it: the cause that a start would have, or that it had."""

import os
import re
import signal
import socket
import subprocess
import time

from machine import BIN, PASSWORD, Machine
from notebook_client import logs_in
from processes import lives
from sshd import wait_until

from nbfab.plan import certificate, pem


def test_before_setup_and_after_stop(here: Machine) -> None:
    outcome = here.json("status")
    assert outcome["error"] == "it does not run: there is no profile nbserver"
    env = here.env | {"NBFAB_PASSWORD": PASSWORD}
    subprocess.run(["sh", "-c", outcome["hint"]], env=env, cwd=here.work, capture_output=True, check=True)
    assert here.json("status")["state"]["running"]
    here.ok("stop")
    outcome = here.json("status")
    assert outcome["error"] == "it does not run: it was stopped"
    assert outcome["hint"].endswith(" start")
    subprocess.run(["sh", "-c", outcome["hint"]], env=env, cwd=here.work, capture_output=True, check=True)
    assert here.json("status")["state"]["running"]


def test_a_server_that_was_killed_has_last_words(here: Machine) -> None:
    here.ok("setup")
    here.kill_server()
    said = here.fails("status")
    last = [line for line in (here.folder / "server.log").read_text().splitlines() if line.strip()][-1]
    last = last.partition("Z ")[2].strip()
    assert f"it does not run: it has ended, and its last words are: {last}" in said
    assert "its log ends:" in said
    assert "its log ends:" not in here.run("list", "--check").stdout  # that is a table of all hosts
    assert re.search(r"^  fix +inv .*start$", said, re.MULTILINE)


def test_a_server_that_crashes_comes_back_and_the_report_says_what_ended_it(here: Machine) -> None:
    here.ok("setup")
    server = here.server
    os.kill(server, signal.SIGKILL)
    wait_until(lambda: not lives(server), "the server to end")
    said = here.fails("status")
    assert re.search(r"^  reason +.*it has crashed \(signal 9 \(SIGKILL\)", said, re.MULTILINE)
    assert re.search(r"^  fix +look again in a moment\n +inv .*status$", said, re.MULTILINE)
    wait_until(lambda: here.server != server and here.json("status")["state"]["running"], "it to come back", 60)
    wait_until(lambda: here.json("status")["verdict"] == "running", "it to answer", 60)
    for task in ("status", "plan"):
        assert re.search(r"^  restarts +1, the last after signal 9 \(SIGKILL\) at 2\S+Z$", here.ok(task), re.MULTILINE)
    assert f"jpserver-{server}.json" not in os.listdir(here.folder / "runtime")
    assert logs_in(here.port, here.folder, PASSWORD)
    os.kill(here.server, signal.SIGKILL)
    here.ok("stop")
    outcome = here.json("status")
    assert outcome["error"] == "it does not run: it was stopped"
    here.ok("start")
    assert here.json("status")["state"]["restarts"] is None


def test_a_server_that_crashes_again_and_again_stays_down_and_the_report_says_why(here: Machine) -> None:
    here.ok("setup")
    (here.folder / "jupyter_server_config.py").write_text("raise SystemExit(7)\n")
    os.kill(here.server, signal.SIGKILL)
    ended = here.folder / "ended"
    wait_until(lambda: ended.exists() and "given-up" in ended.read_text(), "it to be given up", 90)
    error = here.json("status")["error"]
    assert "it crashed 6 times in 5 minutes, so it is not started again (exit status 7, at 2" in error


def test_a_restart_of_the_host_is_the_reason(here: Machine) -> None:
    here.ok("setup")
    here.kill_server()
    (here.folder / "boot").write_text("c0ffee 17\n")  # as it was in an earlier run of the host
    seen = here.json("status")
    assert re.search(r"it does not run: the host was restarted at \d{4}-[^ ]+Z, while it ran", seen["error"])
    assert seen["fix"][0]["command"].endswith("start")
    assert seen["fix"][1] == {"words": "to have it start whenever the host boots"}
    assert seen["fix"][2]["command"].endswith("setup --at-boot")
    here.ok("start")


def test_what_a_start_would_fail_of_is_the_cause(here: Machine) -> None:
    environment = here.work / "environment"
    environment.symlink_to(BIN.parent)
    here.env["NBFAB_PYTHON"] = str(environment)
    here.ok("setup", "--python", str(environment))
    here.ok("stop")
    del here.env["NBFAB_PYTHON"]
    environment.unlink()
    _alike(here, "does not exist")
    environment.symlink_to(BIN.parent)
    choices = here.folder / "choices"
    kept = choices.read_text()
    choices.write_text(kept.replace("port ", "port flag many "))
    _alike(here, "cannot be read")
    choices.write_text(kept)
    with socket.create_server(("127.0.0.1", here.port)):
        _alike(here, f"port {here.port} is taken by")
        assert "setup" in here.json("status")["fix"][-1]["command"].split()
    here.ok("serve")
    assert here.json("status")["state"]["running"]


def _alike(machine: Machine, cause: str) -> None:
    """`status` says what `setup` says, and what to do about it."""
    status, setup = machine.json("status"), machine.json("setup")
    assert cause in setup["error"]
    assert setup["error"] in status["error"]
    assert setup["fix"] == status["fix"]


def test_a_server_that_cannot_use_the_certificate_of_the_profile(here: Machine) -> None:
    here.ok("setup")
    file = here.folder / certificate.FILE
    now = time.time()
    key, other = (pem.make(("localhost",), 90, now, int(now)).partition("-----BEGIN CERT") for _ in "12")
    file.write_text(key[0] + "".join(other[1:]))
    outcome = here.json("status")
    assert outcome["error"].startswith("it runs, but does not answer: ")
    assert outcome["fix"][0] == {"words": "if what runs in it may end"}
    line = outcome["fix"][1]["command"]
    env = here.env | {"NBFAB_PASSWORD": PASSWORD}
    done = subprocess.run(["sh", "-c", line], env=env, cwd=here.work, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert here.json("status")["state"]["running"]
