"""`attach`: the server's tmux session on a real terminal, here and over SSH."""

import json
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from machine import Machine
from sshd import Sshd, keygen, wait_until
from terminal import Terminal

from nbfab.cli.attached import command


def attached(terminal: Terminal, machine: Machine, *args: str) -> str:
    """The screen, once the session is on it."""
    terminal.task("attach", *args)
    return terminal.shows("[nbserver]")  # tmux's status line


def leaves(terminal: Terminal) -> str:
    """Detaches, as tmux has it."""
    terminal.press("C-b")
    terminal.press("d")
    return terminal.shows("status=0")


def clients(machine: Machine) -> str:
    """Who is attached: the size of each terminal, and whether it can only look."""
    form = "#{client_width}x#{client_height} #{client_readonly}"
    command = ["tmux", "-S", str(machine.socket), "list-clients", "-F", form]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize("where", ["here", "there"])
def test_a_terminal_shows_the_session_and_control_c_ends_nothing(request: pytest.FixtureRequest, where: str) -> None:
    machine: Machine = request.getfixturevalue(where)
    machine.program = "inv" if where == "here" else "nbfab"  # `fab` finds its tasks in the folder that it is in
    machine.ok("setup")
    server = machine.server
    with Terminal(machine) as terminal:
        attached(terminal, machine)
        assert "Control-B, then D, leaves" in terminal.screen
        for _ in range(3):
            terminal.press("C-c")
        assert clients(machine) == "160x60 1"
        terminal.resize(100, 30)
        wait_until(lambda: clients(machine) == "100x30 1", "the session to be as large as the terminal")
        assert "(y/[n])?" not in terminal.screen
        assert "detached" in leaves(terminal)
        assert machine.server == server
        terminal.clear()
        attached(terminal, machine, "--control")
        assert clients(machine) == "100x30 0"
        terminal.press("C-c")
        terminal.shows("(y/[n])?")
        terminal.type("n")
        terminal.shows("resuming operation")  # or tmux takes the keys that follow for a paste
        leaves(terminal)
        assert machine.server == server
        # Control-C and a yes end it, as in the how-to.
        terminal.clear()
        attached(terminal, machine, "--control")
        terminal.press("C-c")
        terminal.type("y")
        wait_until(lambda: not machine.server, "the server to end")
        terminal.shows("status=")


@pytest.mark.parametrize("shell", ["/bin/tcsh", "/usr/bin/fish"])
def test_any_login_shell_and_any_terminal_will_do(host: Callable[..., Machine], shell: str) -> None:
    machine = host(shell=shell)
    machine.program = "nbfab"
    machine.ok("setup")
    with Terminal(machine) as terminal:
        terminal.type("TERM=xterm-nowhere; export TERM")
        attached(terminal, machine)
        leaves(terminal)


def test_ssh_asks_for_a_passphrase_on_the_same_terminal(there: Machine) -> None:
    there.program = "nbfab"
    there.ok("setup")
    assert there.sshd
    locked = keygen(there.sshd.folder / "locked", passphrase="letmein")
    with open(there.sshd.folder / "authorized_keys", "a") as file:
        file.write(locked.with_suffix(".pub").read_text())
    there.sshd.identity = locked
    there.sshd.write_config()
    with Terminal(there) as terminal:
        terminal.task("attach")
        for number in (1, 2):  # nbfab, and then ssh
            wait_until(lambda n=number: terminal.screen.count("Enter passphrase") == n, "the prompt")  # type: ignore[misc]
            terminal.type("letmein")
        terminal.shows("[nbserver]")
        leaves(terminal)


@pytest.mark.parametrize("given", ["ssh_config", "inventory"])
def test_it_goes_through_jump_hosts_with_the_keys_of_both(
    tmp_path: Path, given: str, sshds: Callable[..., Sshd]
) -> None:
    gate, far = sshds(), sshds()
    known = far.folder / "known_both"
    known.write_text(gate.known_hosts.read_text() + far.known_hosts.read_text())
    jump = "ProxyJump gate" if given == "ssh_config" else ""
    far.config.write_text(
        f"Host box\n  {jump}\n  HostName 127.0.0.1\n  Port {far.port}\n  IdentityFile {far.identity}\n"
        f"Host gate\n  HostName 127.0.0.1\n  Port {gate.port}\n  IdentityFile {gate.identity}\n"
        f"Host *\n  IdentitiesOnly yes\n  UserKnownHostsFile {known}\n  GlobalKnownHostsFile none\n"
    )
    machine = Machine(tmp_path, far, "nbfab")
    if given == "inventory":
        (machine.work / "hosts.yaml").write_text("hosts: {box: {jump: gate}}\n")
    try:
        machine.ok("setup")
        before, forwarded = gate.connections, gate.log.count("direct-tcpip")
        with Terminal(machine) as terminal:
            attached(terminal, machine)
            leaves(terminal)
            assert gate.connections == before + 2  # the look, and the terminal
            assert gate.log.count("direct-tcpip") > forwarded
            # A key that is not the one on record ends it before anyone logs in, as it does every task.
            known.write_text(gate.known_hosts.read_text() + gate.known_line(gate.identity, f"[127.0.0.1]:{far.port}"))
            terminal.clear()
            terminal.task("attach")
            assert "host key" in terminal.shows("status=1")
    finally:
        machine.close()


def test_without_a_terminal_or_a_session_it_says_so(here: Machine) -> None:
    words = here.fails("attach", status=2)
    assert "attach shows the session on a terminal, and there is none" in words
    document = here.json("attach")
    assert document["error"] == "it does not run: there is no profile nbserver"
    assert document["hint"].endswith(" setup")
    here.ok("setup")
    here.ok("stop")
    with Terminal(here) as terminal:
        terminal.task("attach")
        assert "it does not run\n" in terminal.shows("status=1")
        assert "start" in terminal.screen
    here.ok("start")
    assert here.json("attach")["state"]["attach"].endswith(" attach -r -t =nbserver")
    assert here.json("attach", "--control")["state"]["attach"].endswith(" attach -t =nbserver")


def test_several_hosts_are_refused(there: Machine) -> None:
    there.program = "nbfab"
    again = there.command("attach", "--json")
    again[again.index("box")] = "box,box2"
    done = subprocess.run(again, env=there.env, cwd=there.work, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"] == "attach takes one host: a terminal shows one session"
    assert "there is no task" in there.fails("fleet.attach", status=2)


def test_no_word_reaches_the_login_shell_but_in_quotes() -> None:
    *ssh, remote = command(["ssh", "-o", "x", "--", "host"], ["tmux", "-S", "/home/a b/$(id)'s", "attach"])
    assert ssh[:2] == ["ssh", "-tt"]
    assert ssh[-2:] == ["--", "host"]
    assert shlex.split(remote)[-3:] == ["-S", "/home/a b/$(id)'s", "attach"]
    assert remote.startswith("exec /bin/sh -c '")
