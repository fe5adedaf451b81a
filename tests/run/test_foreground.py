"""The server in the foreground: where it is asked for, or where this machine has no tmux."""

import json
import os
import re
import shlex
import signal
import subprocess
from pathlib import Path

import pytest
from documents import check_document
from machine import PASSWORD, Machine
from namespace import bind, with_mounts
from notebook_client import logs_in
from processes import lives
from sshd import wait_until
from terminal import Terminal


def _start(machine: Machine, command: list[str], output: Path) -> "subprocess.Popen[bytes]":
    with output.open("wb") as file:
        return subprocess.Popen(
            command,
            env=machine.env | {"NBFAB_PASSWORD": PASSWORD, "PYTHONUNBUFFERED": "1"},
            cwd=machine.work,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def test_control_c_twice_ends_it_all_the_more_and_json_is_one_document(here: Machine, tmp_path: Path) -> None:
    output, log = tmp_path / "output", tmp_path / "log"
    with output.open("w") as out, log.open("w") as errors:
        process = subprocess.Popen(
            here.command("serve", "--foreground", "--json"),
            env=here.env | {"NBFAB_PASSWORD": PASSWORD},
            cwd=here.work,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=errors,
        )
    wait_until(lambda: output.read_text().endswith("}\n") or process.poll() is not None, "it to be ready", 60)
    server = (here.folder / "started").read_text().split()[1]
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) in (0, 130)
    wait_until(lambda: not lives(server), "the server to end")
    document = json.loads(output.read_text())
    check_document(document)
    (host,) = document["hosts"]
    assert host["state"]["running"]
    assert "Traceback" not in log.read_text()


def test_stopped_from_elsewhere_is_no_failure(here: Machine, tmp_path: Path) -> None:
    output = tmp_path / "output"
    process = _start(here, here.command("serve", "--foreground"), output)
    wait_until(lambda: "Control-C ends it" in output.read_text() or process.poll() is not None, "it to be ready", 60)
    assert "has ended" in here.ok("stop")
    assert process.wait(30) == 0
    assert "the server was stopped" in output.read_text()


@pytest.mark.parametrize("tmux", [True, False])
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_it_runs_until_it_is_ended(here: Machine, tmp_path: Path, tmux: bool, end: signal.Signals) -> None:
    if tmux:
        command = here.command("serve", "--foreground")
    else:
        command = with_mounts(here.command("serve"), bind({"/usr/bin/tmux": "/dev/null"}))
    output = tmp_path / "output"
    process = _start(here, command, output)
    try:
        wait_until(
            lambda: "Control-C ends it" in output.read_text() or process.poll() is not None, "it to be ready", 60
        )
        assert f"https://localhost:{here.port}/" in output.read_text()
        assert logs_in(here.port, here.folder, PASSWORD)
        assert here.json("status")["state"]["running"]
        server = (here.folder / "started").read_text().split()[1]
        process.send_signal(end)
        assert process.wait(30) == 0, output.read_text()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)
    assert "the server has ended" in output.read_text()
    assert "Traceback" not in output.read_text()
    wait_until(lambda: not lives(server), "the server to end")
    assert "it does not run: it was stopped" in here.fails("status")


def test_setup_at_a_terminal_without_tmux_serves_in_the_foreground_and_says_why(here: Machine) -> None:
    hidden = bind({"/usr/bin/tmux": "/dev/null"})
    # Without a terminal there is no one to end it.
    command = with_mounts(here.command("setup"), hidden)
    done = subprocess.run(
        command, env=here.env, cwd=here.work, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 1
    assert "there is no tmux" in done.stderr
    assert re.search(r"^  fix +(sudo )?apt-get install tmux$", done.stderr, re.MULTILINE)
    here.env["NBFAB_PASSWORD"] = PASSWORD
    with Terminal(here) as terminal:
        terminal.type(shlex.join(with_mounts(here.command("plan"), hidden)) + "; echo status=$?")
        assert "the server runs in the foreground" in terminal.shows("status=0")
        terminal.type(shlex.join(with_mounts(here.command("setup"), hidden)) + "; echo status=$?")
        said = terminal.shows("Control-C ends it")
        assert "there is no tmux, so the server runs in the foreground" in said
        assert re.search(r"^ +(sudo )?apt-get install tmux$", said, re.MULTILINE)
        assert logs_in(here.port, here.folder, PASSWORD)
        terminal.press("C-c")
        assert "the server has ended" in terminal.shows("the server has ended")


def test_it_is_for_this_machine_only(there: Machine) -> None:
    assert "--foreground is for this machine" in there.fails("serve", "--foreground", status=2)


def test_one_that_runs_in_tmux_already_is_left_alone(served: Machine) -> None:
    assert "runs already, in tmux" in served.fails("serve", "--foreground")
    assert logs_in(served.port, served.folder, PASSWORD)
