"""What a person at a terminal is asked, and what they see of it."""

import re
import socket
from pathlib import Path

import pytest
from machine import PASSWORD, ROOT, Machine
from notebook_client import Notebook, logs_in
from sshd import wait_until
from terminal import Terminal

SLOW_UV = """#!/bin/sh
[ "$1 $2" = "pip install" ] || exit 0
echo 'Downloading numpy (17 MiB)'
until [ -e "$HOME/go" ]; do sleep 0.1; done
echo 'it is no use'
exit 1
"""


def test_a_password_is_typed_twice_unseen_and_live_kernels_are_asked_for(here: Machine) -> None:
    with Terminal(here) as terminal:
        terminal.task("serve")
        terminal.shows("Password for the notebook (at least 12 characters; empty: one is generated):")
        terminal.type("short")
        # What is typed before it asks again is thrown away.
        terminal.shows("a password must have at least 12 characters\nPassword for the notebook")
        terminal.type(PASSWORD)
        terminal.shows("Type it again:")
        terminal.type(PASSWORD)
        screen = terminal.shows("status=0")
        assert PASSWORD not in screen
        assert "Password: " not in screen
        assert logs_in(here.port, here.folder, PASSWORD)
        kernel = Notebook(here.port, here.folder, PASSWORD).post("/api/kernels", {"name": "nbserver"})["id"]
        for task in ("stop", "restart"):
            terminal.clear()
            terminal.task(task)
            terminal.shows(f"end kernel {kernel[:8]}")
            terminal.type("n")
            terminal.shows("status=1")
        assert kernel in [running["id"] for running in Notebook(here.port, here.folder, PASSWORD).get("/api/kernels")]
        terminal.clear()
        terminal.task("stop")
        terminal.shows(f"end kernel {kernel[:8]}")
        terminal.type("y")
        terminal.shows("status=0")
        assert "has ended" in terminal.screen


def test_a_host_key_that_is_not_known_is_shown_and_asked_about(there: Machine) -> None:
    assert there.sshd
    there.sshd.known_hosts.write_text("")
    there.work = ROOT  # for `fab`, which runs in the clone
    with Terminal(there) as terminal:
        terminal.task("status")
        terminal.shows("Is this the host's key? [y/N]")
        assert "box: its host key is not known: ssh-ed25519 SHA256:" in terminal.screen
        assert "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub" in terminal.screen
        terminal.type("")
        terminal.shows("status=1")
        assert there.sshd.known_hosts.read_text() == ""
        terminal.clear()
        terminal.task("status")
        terminal.shows("Is this the host's key? [y/N]")
        terminal.type("y")
        terminal.shows("not running")
        assert there.sshd.known_hosts.read_text() == there.sshd.known_line(there.sshd.host_keys[0])


def test_an_empty_answer_makes_a_password(here: Machine) -> None:
    with Terminal(here) as terminal:
        terminal.task("serve")
        terminal.shows("Password for the notebook")
        terminal.type("")
        screen = terminal.shows("status=0")
        made = screen.split("Password: ")[1].split()[0]
        assert logs_in(here.port, here.folder, made)
        terminal.clear()
        terminal.task("password")
        terminal.shows("New password (at least 12 characters; empty: keep the one it has):")
        terminal.type("")
        assert "nothing changed" in terminal.shows("status=0")
        assert logs_in(here.port, here.folder, made)


@pytest.fixture
def slow(here: Machine, tmp_path: Path) -> Machine:
    """A machine on which an installation takes until there is a file `go`, and fails."""
    uv = tmp_path / "bin/uv"
    uv.parent.mkdir()
    uv.write_text(SLOW_UV)
    uv.chmod(0o755)
    here.env["PATH"] = f"{uv.parent}:{here.env['PATH']}"
    return here


def test_a_long_step_shows_its_seconds_and_what_is_printed_and_leaves_nothing(slow: Machine) -> None:
    with Terminal(slow) as terminal:
        terminal.task("install", "--python", "new")
        terminal.shows("step 1 of 2, install: make an environment with notebook and matplotlib in ")
        terminal.shows("Downloading numpy (17 MiB)")
        for seconds in (2, 3):
            wait_until(lambda seconds=seconds: f" {seconds} s" in terminal.screen, f"{seconds} seconds")  # type: ignore[misc]
        assert len([line for line in terminal.screen.splitlines() if "step 1 of 2" in line]) == 1
        assert "\x1b[1mthis machine" in terminal.coloured
        (slow.home / "go").touch()
        screen = terminal.shows("status=1")
        assert "step 1 of" not in screen
        assert re.search(r"^this machine: failed$", screen, re.MULTILINE)
        assert screen.count("it is no use") == 1


def test_a_host_that_takes_long_to_answer_is_waited_for_with_a_clock(here: Machine, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        config = tmp_path / "ssh_config"
        config.write_text(f"Host box\n  HostName 127.0.0.1\n  Port {silent.getsockname()[1]}\n  ConnectTimeout 100\n")
        with Terminal(here) as terminal:
            terminal.type(f"nbfab -S {config} -H box status; echo status=$?")
            terminal.shows("box  connecting  2 s")
            terminal.press("C-c")
            assert "connecting" not in terminal.shows("status=130").partition("box: ")[2]


def test_on_a_dumb_terminal_steps_are_lines(slow: Machine) -> None:
    (slow.home / "go").touch()
    slow.env["TERM"] = "dumb"
    with Terminal(slow) as terminal:
        terminal.type("TERM=dumb " + " ".join(slow.command("install", "--python", "new")) + "; echo status=$?")
        screen = terminal.shows("status=1")
        assert "this machine: step 1 of 2, install: make an environment" in screen
        assert "\x1b" not in terminal.coloured


def test_colour_unless_it_is_not_wanted(here: Machine) -> None:
    with Terminal(here) as terminal:
        terminal.task("install")
        terminal.shows("status=0")
        assert re.search(r"\x1b\[1muse the environment .*", terminal.coloured)
        terminal.clear()
        terminal.type("NO_COLOR=1 " + " ".join(here.command("certificate")) + "; echo status=$?")
        terminal.shows("status=0")
        assert "make the certificate" in terminal.screen
        assert "\x1b" not in terminal.coloured
