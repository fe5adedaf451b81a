"""`attach`: the server's tmux session on a real terminal, here and over SSH."""

import shlex
from collections.abc import Callable

import pytest
from machine import Machine
from sshd import wait_until
from terminal import Terminal

from nbfab.cli.attached import command

LOG = "Serving notebooks from local directory"


def attached(terminal: Terminal, machine: Machine, *args: str) -> str:
    """The screen, once the session is on it."""
    terminal.task("attach", *args)
    return terminal.shows("[nbserver]")  # tmux's status line


def leaves(terminal: Terminal) -> str:
    """Detaches, as tmux has it."""
    terminal.press("C-b")
    terminal.press("d")
    return terminal.shows("status=0")


@pytest.mark.parametrize("where", ["here", "there"])
def test_a_terminal_shows_the_session_and_control_c_ends_nothing(request: pytest.FixtureRequest, where: str) -> None:
    machine: Machine = request.getfixturevalue(where)
    machine.ok("setup")
    server = machine.server
    with Terminal(machine) as terminal:
        attached(terminal, machine)
        for _ in range(3):
            terminal.press("C-c")
        assert "detached" in leaves(terminal)
        assert machine.server == server
        terminal.clear()
        attached(terminal, machine, "--control")
        terminal.press("C-c")
        terminal.shows("Shutdown this notebook server")
        terminal.type("n")
        leaves(terminal)
        assert machine.server == server
        # Control-C and a yes end it, as in the how-to.
        terminal.clear()
        attached(terminal, machine, "--control")
        terminal.press("C-c")
        terminal.type("y")
        wait_until(lambda: not machine.server, "the server to end")
        terminal.shows("status=")


def test_any_login_shell_and_any_terminal_will_do(host: Callable[..., Machine]) -> None:
    for shell in ("/bin/tcsh", "/usr/bin/fish"):
        machine = host(shell=shell)
        machine.ok("setup")
        with Terminal(machine) as terminal:
            terminal.type("TERM=xterm-nowhere; export TERM")
            attached(terminal, machine)
            leaves(terminal)


def test_without_a_terminal_or_a_session_it_says_so(here: Machine) -> None:
    assert "attach shows the session on a terminal, and there is none" in here.fails("attach", status=2)
    assert here.json("attach")["error"] == "it does not run"
    with Terminal(here) as terminal:
        terminal.task("attach")
        assert "it does not run" in terminal.shows("status=1")
    here.ok("setup")
    assert here.json("attach")["state"]["attach"].startswith("tmux ")


def test_no_word_reaches_the_login_shell_but_in_quotes() -> None:
    *ssh, remote = command(["ssh", "-o", "x", "--", "host"], ["tmux", "-S", "/home/a b/$(id)'s", "attach"])
    assert ssh[:2] == ["ssh", "-tt"]
    assert ssh[-2:] == ["--", "host"]
    assert shlex.split(remote)[-3:] == ["-S", "/home/a b/$(id)'s", "attach"]
    assert remote.startswith("exec /bin/sh -c '")
