"""The command line of an `ssh` that needs no one."""

import subprocess
from collections.abc import Callable

import pytest
from sshd import Sshd

from nbfab.errors import ConnectError
from nbfab.names import parse_host
from nbfab.ssh.arguments import by_itself
from nbfab.ssh.options import SshOptions


def says(command: list[str], program: str = "echo here") -> str:
    """What a program prints there."""
    ssh, *words = command
    done = subprocess.run(
        [ssh, "-o", "SessionType=default", *words, program], capture_output=True, text=True, timeout=30, check=False
    )
    return done.stdout + "".join(line for line in done.stderr.splitlines() if not line.startswith("debug1"))


def test_it_logs_in(box: Sshd) -> None:
    assert says(by_itself(parse_host("box"), SshOptions(str(box.config)))) == "here\n"


def test_forwards_of_ssh_config_are_not_made(box: Sshd) -> None:
    box.write_config("LocalForward 1 127.0.0.1:1\nExitOnForwardFailure yes\nRemoteCommand false\n")
    assert says(by_itself(parse_host("box"), SshOptions(str(box.config)))) == "here\n"


def test_a_key_that_is_not_known_is_refused(box: Sshd) -> None:
    box.known_hosts.write_text("")
    assert "Host key verification failed" in says(by_itself(parse_host("box"), SshOptions(str(box.config))))
    assert box.known_hosts.read_text() == ""


@pytest.mark.parametrize("given", [True, False], ids=["given", "of ssh_config"])
def test_through_a_jump_host(sshds: Callable[..., Sshd], given: bool) -> None:
    jump, target = sshds(), sshds()
    config = target.config
    one, two = jump.config.read_text(), target.config.read_text().replace("Host box", "Host far")
    known = target.known_hosts.read_text() + jump.known_hosts.read_text()
    target.known_hosts.write_text(known)
    config.write_text(
        f"Host far\n  {'' if given else 'ProxyJump box'}\n{two.partition('Host *')[0]}{one.partition('Host *')[0]}"
        f"Host *\n{two.partition('Host *')[2]}"
    )
    options = SshOptions(str(config), jumps=(parse_host("box"),) if given else None)
    before = jump.connections
    assert says(by_itself(parse_host("far"), options)) == "here\n"
    assert jump.connections == before + 1


def test_jump_hosts_that_lead_in_a_circle(box: Sshd) -> None:
    box.config.write_text("Host a\n  ProxyJump b\nHost b\n  ProxyJump a\n")
    with pytest.raises(ConnectError, match="its jump hosts form a loop"):
        by_itself(parse_host("a"), SshOptions(str(box.config)))
