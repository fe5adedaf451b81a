"""A run that is ended from outside: hosts at work get their grace, and --failed knows what is left."""

import os
import pty
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sshd import wait_until
from sshd_fleet import Fleet


@contextmanager
def silent(fleet: Fleet, name: str) -> Iterator[socket.socket]:
    """A host that accepts a connection and says nothing, while this lasts."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        fleet.ways[name] = f"Port {listener.getsockname()[1]}"
        fleet.write()
        fleet.config.write_text(fleet.config.read_text().replace("ConnectTimeout 3", "ConnectTimeout 100"))
        yield listener
    fleet.ways[name] = f"Port {fleet.hosts[name].port}"
    fleet.write()


def as_from_a_shell() -> None:
    """The signals as a shell leaves them to a program, whatever has started the tests."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


def starts(fleet: Fleet, *args: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        fleet.command("certificate", "--jobs", "1", *args),
        env=fleet.machine.env,
        cwd=fleet.work,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=as_from_a_shell,  # no thread is at work in this process
    )


def goes_on(fleet: Fleet) -> None:
    """--failed does what is left, and no more: the first host was done."""
    assert {name: host["verdict"] for name, host in fleet.json("certificate", "--failed").items()} == {
        "two": "changed",
        "three": "changed",
    }
    assert fleet.json("certificate", "--failed") == {}


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGQUIT, 131)],
)
def test_a_signal_that_ends_a_run_is_control_c(three: Fleet, number: signal.Signals, status: int) -> None:
    with silent(three, "two") as listener:
        process = starts(three)
        connection, _ = listener.accept()
        process.send_signal(number)
        told, errors = process.communicate(timeout=40)
        connection.close()
    assert process.returncode == status
    assert "Traceback" not in errors
    by = "Control-C" if number == signal.SIGINT else number.name
    assert re.search(r"^one +changed ", told, re.MULTILINE)
    assert re.search(rf"^two +interrupted +cut( by {by})? while ", told, re.MULTILINE), told
    assert re.search(r"^three +interrupted +not begun", told, re.MULTILINE)
    goes_on(three)


def test_a_document_is_printed_too(three: Fleet) -> None:
    with silent(three, "one") as listener:
        process = starts(three, "--json")
        connection, _ = listener.accept()
        process.send_signal(signal.SIGTERM)
        told, _ = process.communicate(timeout=40)
        connection.close()
    assert process.returncode == 143
    assert told.startswith("{")
    assert told.count('"verdict": "interrupted"') == 3
    assert told.count('"status": 143') == 4  # of the run, and of each host


def test_a_run_that_is_killed_leaves_what_is_left(three: Fleet) -> None:
    with silent(three, "two") as listener:
        process = starts(three)
        connection, _ = listener.accept()
        process.kill()
        process.communicate(timeout=40)
        connection.close()
    goes_on(three)


def test_a_terminal_that_is_closed_ends_a_run_in_order(three: Fleet) -> None:
    command = three.command("certificate", "--jobs", "1", "--yes")
    with silent(three, "two") as listener:
        child, terminal = pty.fork()
        if not child:
            as_from_a_shell()
            os.chdir(three.work)
            os.execve(command[0], command, three.machine.env | {"TERM": "xterm"})
        connection, _ = listener.accept()
        assert b"at once" not in os.read(terminal, 100_000)
        os.close(terminal)
        _, status = os.waitpid(child, 0)
        connection.close()
    assert os.waitstatus_to_exitcode(status) == 129
    goes_on(three)


def test_a_terminal_that_is_closed_at_a_question_ends_the_run(three: Fleet) -> None:
    three.extra = dict.fromkeys(three.hosts, ", password: prompt")
    three.write()
    command = three.command("setup", "--yes")
    child, terminal = pty.fork()
    if not child:
        as_from_a_shell()
        os.chdir(three.work)
        os.execve(command[0], command, three.machine.env | {"TERM": "xterm"})
    screen = b""

    def asks() -> bool:
        nonlocal screen
        screen += os.read(terminal, 100_000)
        return b"the same for all (at least 12 characters):" in screen

    wait_until(asks, "the question")
    os.close(terminal)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 129
    assert not any((three.profile(name) / "jupyter_server_config.json").exists() for name in three.hosts)
    assert set(three.json("setup", "--failed")) == set(three.hosts)


def test_under_nohup_a_run_goes_on(three: Fleet) -> None:
    with silent(three, "two") as listener:
        process = subprocess.Popen(
            ["nohup", *three.command("certificate", "--jobs", "1")],
            env=three.machine.env,
            cwd=three.work,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=as_from_a_shell,  # no thread is at work in this process
        )
        connection, _ = listener.accept()
        process.send_signal(signal.SIGHUP)
        connection.close()
        listener.close()
        told, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert re.search(r"^two +not reached ", told, re.MULTILINE), told
    assert re.search(r"^2 hosts \(one, three\)  changed ", told, re.MULTILINE), told
