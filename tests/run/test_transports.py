"""Whole tasks over each way to a host: OpenSSH itself, and the user's live ControlMaster."""

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from machine import Machine
from sshd import Sshd, keygen, wait_until
from terminal import Terminal


def _certified(sshd: Sshd, folder: Path) -> None:
    """Makes the host present a certificate, and the client know its authority alone."""
    authority, public = keygen(folder / "ca"), sshd.host_keys[0].with_suffix(".pub")
    sign = ["ssh-keygen", "-q", "-s", str(authority), "-I", "box", "-h", "-n", "127.0.0.1", str(public)]
    subprocess.run(sign, check=True)
    sshd.stop()
    certificate = f"HostCertificate {sshd.host_keys[0]}-cert.pub\nHostKeyAlgorithms ssh-ed25519-cert-v01@openssh.com\n"
    sshd._lines = certificate
    sshd.log_file.unlink()
    sshd.start()
    sshd.known_hosts.write_text("@cert-authority " + sshd.known_line(authority))


def test_setup_of_a_host_that_presents_only_a_certificate(there: Machine, tmp_path: Path) -> None:
    assert there.sshd
    _certified(there.sshd, tmp_path)
    said = there.ok("setup")
    assert "note         over OpenSSH, not paramiko: known_hosts has a certificate authority for the host" in said
    assert there.sshd.connections == 1
    assert "nothing changed" in there.ok("setup")
    notes = there.json("status")["notes"]
    assert len([note for note in notes if note.startswith("over OpenSSH, not paramiko: ")]) == 1
    assert "--ssh=openssh" in there.fails("status", "--ssh", "paramiko")
    there.ok("stop")


def test_setup_over_a_live_control_master_takes_no_login(there: Machine) -> None:
    assert there.sshd
    folder = tempfile.TemporaryDirectory(prefix="nb", dir="/tmp")
    there.sshd.write_config(f"ControlPath {folder.name}/%C\n")
    command = ["ssh", "-F", str(there.sshd.config), "-M", "-N", "-n", "box"]
    with folder, subprocess.Popen(command, stderr=subprocess.DEVNULL) as master:
        wait_until(lambda: any(Path(folder.name).iterdir()), "the ControlMaster")
        (there.sshd.folder / "authorized_keys").write_text("")
        try:
            assert "without a login" in there.ok("setup")
            assert "nothing changed" in there.ok("setup", "--ssh", "openssh")
            there.fails("status", "--ssh", "paramiko")
            there.ok("stop")
        finally:
            master.terminate()
    assert there.sshd.log.count("Accepted publickey") == 1


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


@pytest.fixture
def fleet(stack: ExitStack, tmp_path: Path) -> Callable[..., tuple[Machine, list[str]]]:
    """Makes a fleet of three hosts that one key with a passphrase opens; and the words that come before a task's."""

    def make(**more: Any) -> tuple[Machine, list[str]]:
        hosts = [stack.enter_context(Sshd(tmp_path / name)) for name in ("one", "two", "three")]
        key = keygen(tmp_path / "key", passphrase="open sesame")
        for sshd in hosts:
            (sshd.folder / "authorized_keys").write_text(key.with_suffix(".pub").read_text())
        ways = "".join(f"Host {sshd.folder.name}\n  Port {sshd.port}\n" for sshd in hosts)
        (tmp_path / "known_hosts").write_text("".join(sshd.known_line(sshd.host_keys[0]) for sshd in hosts))
        (tmp_path / "ssh_config").write_text(
            f"{ways}Host *\n  HostName 127.0.0.1\n  IdentityFile {key}\n  IdentitiesOnly yes\n"
            f"  UserKnownHostsFile {tmp_path}/known_hosts\n  PreferredAuthentications publickey\n"
        )
        (tmp_path / "hosts.yaml").write_text("hosts: {one: {}, two: {}, three: {}}\n")
        machine = Machine(tmp_path / "person", program="nbfab")
        stack.callback(machine.close)
        return machine, ["-S", str(tmp_path / "ssh_config")]

    return make


PROMPT = "Enter passphrase for key"


def test_a_fleet_asks_for_a_passphrase_once(fleet: Callable[..., tuple[Machine, list[str]]], tmp_path: Path) -> None:
    machine, before = fleet()
    with Terminal(machine) as terminal:
        terminal.task(*before, "fleet.plan", "--inventory", str(tmp_path / "hosts.yaml"), "--ssh", "openssh")
        terminal.shows(PROMPT)
        terminal.type("open sesame")
        screen = terminal.shows("status=0")
        assert "3 hosts (one, two, three): new" in screen
        assert "open sesame" not in screen


def test_prompts_come_one_after_the_other(fleet: Callable[..., tuple[Machine, list[str]]], tmp_path: Path) -> None:
    machine, before = fleet()
    config, left = tmp_path / "ssh_config", {"one", "two", "three"}
    users = "".join(f"Host {name}\n  User {name}\n" for name in left)
    config.write_text(
        users + config.read_text().replace("PreferredAuthentications publickey", "PubkeyAuthentication no")
    )

    def asked() -> set[str]:
        return {name for name in left if terminal.screen.rstrip().endswith(f"{name}@127.0.0.1's password:")}

    with Terminal(machine) as terminal:
        terminal.task(*before, "fleet.status", "--inventory", str(tmp_path / "hosts.yaml"), "--ssh", "openssh")
        while left:
            wait_until(asked, f"a prompt for one of {left}")
            left -= asked()
            terminal.press("C-d")  # no password: that host alone is refused
        screen = terminal.shows("status=1")
    for name in ("one", "two", "three"):
        assert f"{name}: permission denied (publickey,password" in screen


def test_control_c_at_a_prompt_leaves_the_terminal_as_it_was(
    fleet: Callable[..., tuple[Machine, list[str]]], tmp_path: Path
) -> None:
    machine, before = fleet()
    with Terminal(machine) as terminal:
        for words in (
            ["-H", "one", "--ssh", "openssh"],
            ["fleet.plan", "--inventory", str(tmp_path / "hosts.yaml"), "--ssh", "openssh"],
        ):
            words = [*words[:2], "plan", *words[2:]] if words[0] == "-H" else words
            terminal.task(*before, *words)
            terminal.shows(PROMPT)
            terminal.press("C-c")
            terminal.shows("status=130")
            terminal.type("clear; stty -a | grep -q ' echo ' && printf 'it %s\\n' echoes")
            terminal.shows("it echoes")
            terminal.clear()
