"""Hosts with Dropbear, as routers and small machines have it."""

import shutil
import subprocess
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import paramiko
import pytest
from namespace import bind, passwd, with_mounts
from sshd import free_port, keygen, wait_until

from nbfab.names import parse_host
from nbfab.ssh import host
from nbfab.ssh.host import There
from nbfab.ssh.options import SshOptions

pytestmark = pytest.mark.real


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Path]:
    """The ssh_config for a host with Dropbear, `box`. It looks for the user's keys in a home folder of its own."""
    server = shutil.which("dropbear", path="/usr/sbin:/usr/bin")
    if server is None:
        pytest.skip("takes dropbear")
    home, key, port = tmp_path / "home", tmp_path / "host", free_port()
    (home / ".ssh").mkdir(parents=True, mode=0o700)
    identity = keygen(tmp_path / "id")
    shutil.copy(identity.with_suffix(".pub"), home / ".ssh/authorized_keys")
    made = subprocess.run(
        ["dropbearkey", "-t", "ed25519", "-f", str(key)], check=True, capture_output=True, text=True
    ).stdout
    kind, blob = next(line for line in made.splitlines() if line.startswith("ssh-ed25519")).split()[:2]
    (tmp_path / "known_hosts").write_text(f"[127.0.0.1]:{port} {kind} {blob}\n")
    config = tmp_path / "ssh_config"
    config.write_text(
        f"Host box\n  HostName 127.0.0.1\n  Port {port}\n  IdentityFile {identity}\n  IdentitiesOnly yes\n"
        f"  UserKnownHostsFile {tmp_path}/known_hosts\n  GlobalKnownHostsFile none\n"
    )
    command = [server, "-F", "-E", "-r", str(key), "-p", f"127.0.0.1:{port}", "-P", str(tmp_path / "pid")]
    mounts = bind(passwd(tmp_path / "passwd", home=str(home), shell="/bin/sh"))
    log = tmp_path / "log"
    with log.open("wb") as file, subprocess.Popen(with_mounts(command, mounts), stderr=file) as process:
        try:
            wait_until(lambda: b"Not backgrounding" in log.read_bytes(), "Dropbear to listen", 20)
            yield config
        finally:
            process.terminate()


@pytest.mark.parametrize("reads_on", [True, False])
def test_a_program_may_take_a_moment_to_end(config: Path, reads_on: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """After its output has. In that moment, Dropbear would end the session for the next program of a distant host."""

    def from_far_away(channel: paramiko.Channel, command: str) -> None:
        time.sleep(0.4)
        ask(channel, command)

    ask = host._ask
    monkeypatch.setattr(host, "_ask", from_far_away)
    there = There("box", parse_host("box"), SshOptions(config=str(config)))
    try:
        for number in range(4):
            program = f"echo {number}; exec >/dev/null 2>&1; sleep 0.2\n"
            output = there.talk(program.encode(), 20)
            assert next(output) == f"{number}\n".encode()
            if reads_on:
                assert list(output) == []
            assert isinstance(output, Generator)
            output.close()
        assert there.remarks == ()
    finally:
        there.close()
