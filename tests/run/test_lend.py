"""Hosts without internet: lent this machine's access to the index of packages, if that is allowed, and nothing else."""

import json
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from documents import check_document
from machine import Machine
from netns import NOWHERE, Link, ip
from own_index import Offline, OwnIndex
from sshd import Sshd, wait_until
from terminal import Terminal

ANOTHER_USER = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--")
LENT = "it was lent this machine's access to an index of packages: "
# Connects without a word, then without the secret, then with another one.
STRANGER = """
import base64, socket, sys, time
port, target = int(sys.argv[1]), sys.argv[2]
silent, began = socket.create_connection(("127.0.0.1", port)), time.monotonic()
for given in ("", "Proxy-Authorization: Basic " + base64.b64encode(b"nbfab:guessed").decode() + "\\r\\n"):
    asks = socket.create_connection(("127.0.0.1", port))
    asks.sendall(f"CONNECT {target}:443 HTTP/1.1\\r\\n{given}\\r\\n".encode())
    print(asks.recv(1000).split()[1].decode())
silent.recv(1)
print(round(time.monotonic() - began))
"""


@pytest.fixture
def index(tmp_path: Path) -> Iterator[OwnIndex]:
    with OwnIndex(tmp_path) as index:
        yield index


@pytest.fixture
def offline(tmp_path: Path, index: OwnIndex, stack: ExitStack) -> Callable[..., Offline]:
    """Makes hosts without internet, in one network."""
    link = stack.enter_context(Link())

    def make(**more: Any) -> Offline:
        made = Offline(Path(tempfile.mkdtemp(dir=tmp_path)), index, link, **{"tool": "uv", **more})
        stack.callback(made.close)
        return made

    return make


def ports(host: Offline) -> set[int]:
    """The ports at which something listens on the host, beside those of sshd's."""
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{host.sshd.process.pid}/net/{table}").read_text().splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            if state == "0A":
                found.add(int(local.rpartition(":")[2], 16))
    return found - {host.sshd.port}


def started(host: Offline, stack: ExitStack, *args: str) -> "subprocess.Popen[str]":
    """A task that installs, and waits for the files of the index."""
    host.index.gate.clear()
    running = subprocess.Popen(
        host.machine.command(*args),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=host.machine.env,
        cwd=host.machine.work,
    )
    stack.callback(running.wait)
    stack.callback(running.kill)
    wait_until(lambda: any(asked.startswith(host.index.files) for asked in host.index.asked), "files to be asked for")
    return running


def ended(host: Offline, running: "subprocess.Popen[str]") -> str:
    """What it printed, once the files came."""
    host.index.gate.set()
    said, _ = running.communicate(timeout=120)
    assert running.returncode == 0, said
    return said


def environment_of(text: str) -> str:
    """The proxy that a process which installs has in its environment; the text is in its command line."""
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if text.encode() not in (place / "cmdline").read_bytes():
                continue
            for pair in (place / "environ").read_bytes().split(b"\0"):
                if pair.startswith(b"HTTPS_PROXY=http://nbfab:"):
                    return pair.decode().partition("=")[2]
        except OSError:
            continue
    raise AssertionError("nothing installs")


@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_a_host_without_internet_installs_by_ours(tool: str, offline: Callable[..., Offline]) -> None:
    host = offline(tool=tool)
    said = host.machine.ok("install", "--lend", "always")
    assert re.search(rf"note +{LENT}\d+\.\d MB in \d+ s\n", said)
    assert host.made.exists()
    assert not ports(host)
    asked = len(host.index.asked)
    said = host.machine.ok("install", "--lend", "always")
    assert "nothing changed" in said
    assert LENT not in said
    assert len(host.index.asked) == asked
    # What may be lent is no choice of the profile's.
    assert "lend" not in (host.machine.folder / "choices").read_text()


def test_unasked_nothing_is_lent_and_the_flag_is_named(offline: Callable[..., Offline]) -> None:
    host = offline()
    for more in ((), ("--lend", "ask")):
        outcome = host.machine.json("install", *more)
        assert outcome["verdict"] == "refused"
        assert "the host cannot reach an index of packages: Connection refused" in outcome["error"]
        commands = [part["command"].partition(" install ")[2] for part in outcome["fix"] if part.get("command")]
        assert commands[:2] == ["--lend=always", "--lend=never"]
    assert not host.index.asked
    assert not host.made.exists()
    # The other fix, as typed.
    said = host.machine.ok("install", "--lend=never")
    assert "packages were sent from here: nothing is to be lent to it (--lend=never)" in said
    assert LENT not in said
    assert host.made.exists()


def test_someone_at_a_terminal_is_asked(offline: Callable[..., Offline]) -> None:
    host = offline()
    with Terminal(host.machine) as terminal:
        terminal.task("install")
        terminal.shows("box reaches no index of packages. Lend it this machine's access to one")
        assert not host.index.asked
        terminal.type("")
        terminal.shows("status=1")
        terminal.clear()
        terminal.task("install")
        terminal.shows("while it installs? [y/N]")
        terminal.type("y")
        terminal.shows("status=0")
        assert LENT in terminal.screen
    assert host.made.exists()


def test_a_host_that_reaches_its_index_is_never_lent_to(index: OwnIndex, tmp_path: Path, stack: ExitStack) -> None:
    with Link() as link:
        host = Offline(tmp_path / "near", index, link, tool="uv")
        stack.callback(host.close)
        host.sshd.stop()
        host.sshd._within = ()
        host.sshd._lines = ""
        host.sshd.start()
        host.route(address="127.0.0.1")
        said = host.machine.ok("install", "--lend", "always")
        assert LENT not in said
        assert host.made.exists()


def test_where_packets_vanish_ten_seconds_are_lost(offline: Callable[..., Offline]) -> None:
    for tool in ("pip", "uv"):
        host = offline(tool=tool)
        away = "192.0.2.1"
        ip("-n", host.link.name, "route", "replace", away, "dev", host.link.device)
        ip(
            "-n",
            host.link.name,
            "neighbour",
            "replace",
            away,
            "lladdr",
            NOWHERE,
            "dev",
            host.link.device,
            "nud",
            "permanent",
        )
        (host.sshd.home / ".config/pip/pip.conf").write_text(
            f"[global]\nindex-url = https://{away}/simple\ncert = {host.index.authority}\n"
        )
        (host.sshd.home / ".config/uv/uv.toml").write_text(f'index-url = "https://{away}/simple"\n')
        began = time.monotonic()
        said = host.machine.fails("install")
        assert "cannot reach an index of packages: timed out" in said
        assert time.monotonic() - began < 30  # of which an environment takes some
        # It is our index that is lent, whatever the host names.
        host.machine.ok("install", "--lend", "always")


@pytest.mark.parametrize("kind", ["paramiko", "openssh", "master"])
def test_the_port_is_of_use_with_the_secret_alone_and_gone_in_the_end(
    kind: str, offline: Callable[..., Offline], stack: ExitStack
) -> None:
    host = offline()
    if kind == "master":
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="nb", dir="/tmp"))
        host.route(more=f"ControlPath {folder}/%C")
        command = ["ssh", "-F", str(host.sshd.config), "-M", "-N", "-n", "box"]
        master = stack.enter_context(subprocess.Popen(command, stderr=subprocess.DEVNULL))
        stack.callback(master.terminate)
        wait_until(lambda: any(Path(folder).iterdir()), "the ControlMaster")
    ssh = () if kind == "master" else ("--ssh", kind)
    running = started(host, stack, "install", "--lend", "always", *ssh)
    (port,) = ports(host)
    # Another user of the host gets nothing, learns nothing, and holds nothing.
    stranger = subprocess.run(
        [*host.link.within, *ANOTHER_USER, "/usr/bin/python3", "-c", STRANGER, str(port), host.index.address],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    *statuses, seconds = stranger.stdout.split()
    assert statuses == ["407", "407"]
    assert 4 <= int(seconds) <= 8
    # With the secret, the index and its files can be reached, and nothing else can.
    proxy = environment_of(str(host.machine.folder.parent))
    assert proxy.endswith(f"@127.0.0.1:{port}")
    for target in (f"{host.index.address}:443", f"{host.index.files}:443", "127.0.0.1:443", f"{host.index.address}:22"):
        command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_connect}", "-p", "-x", proxy, f"https://{target}/"]
        answer = subprocess.run([*host.link.within, *command, "-k"], capture_output=True, text=True, check=False).stdout
        assert answer == ("200" if target.startswith(host.index.address[:7]) and target.endswith(":443") else "403")
    secret = proxy.partition("@")[0].rpartition(":")[2]
    own = {pid for pid in os.listdir("/proc") if pid.isdigit()}
    lines = [Path(f"/proc/{pid}/cmdline") for pid in own]
    assert not [line for line in lines if line.exists() and secret.encode() in line.read_bytes()]
    said = ended(host, running)
    assert "127.0.0.1:443" in said
    assert secret not in said
    wait_until(lambda: not ports(host), "the port to be closed")
    for file in host.sshd.home.rglob("*"):
        assert not file.is_file() or secret.encode() not in file.read_bytes()


@pytest.mark.parametrize("kind", ["paramiko", "openssh"])
@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ("GatewayPorts yes\n", "its sshd opens ports to other machines (GatewayPorts), so the one at "),
        ("AllowTcpForwarding no\n", "its sshd forwards no port to it (AllowTcpForwarding"),
    ],
)
def test_a_host_that_would_share_the_port_or_opens_none(
    kind: str, lines: str, why: str, offline: Callable[..., Offline]
) -> None:
    host = offline(lines=lines)
    said = host.machine.ok("install", "--lend", "always", "--ssh", kind)
    assert f"packages were sent from here: {why}" in said
    assert LENT not in said
    assert host.made.exists()
    wait_until(lambda: not ports(host), "the port to be closed")


@pytest.mark.parametrize("kind", ["paramiko", "openssh"])
def test_through_a_jump_host(
    kind: str, offline: Callable[..., Offline], sshds: Callable[..., Sshd], tmp_path: Path
) -> None:
    host, jump = offline(), sshds()
    host.route(more="ProxyJump jump")
    known = host.sshd.known_hosts
    known.write_text(known.read_text() + jump.known_line(jump.host_keys[0]))
    way = f"Host jump\n  HostName 127.0.0.1\n  Port {jump.port}\n  IdentityFile {jump.identity}\n"
    host.sshd.config.write_text(way + host.sshd.config.read_text())
    assert LENT in host.machine.ok("install", "--lend", "always", "--ssh", kind)
    assert host.made.exists()


@pytest.mark.parametrize("kind", ["paramiko", "openssh"])
def test_control_c_closes_the_port(kind: str, offline: Callable[..., Offline], stack: ExitStack) -> None:
    host = offline()
    running = started(host, stack, "install", "--lend", "always", "--ssh", kind)
    assert ports(host)
    running.send_signal(signal.SIGINT)
    said, _ = running.communicate(timeout=60)
    assert running.returncode == 130, said
    assert "Traceback" not in said
    wait_until(lambda: not ports(host), "the port to be closed")
    # And it can be begun again.
    host.index.gate.set()
    wait_until(lambda: not (host.machine.folder / "lock").exists(), "the run on the host to end")
    assert LENT in host.machine.ok("install", "--lend", "always")


def test_an_index_that_takes_a_password_is_not_lent(offline: Callable[..., Offline]) -> None:
    host = offline()
    url = host.index.url.replace("https://", "https://ann:hunter2222@")
    said = host.machine.ok("install", "--lend", "always", PIP_INDEX_URL=url)
    assert "takes credentials, which never leave this machine" in said
    assert "hunter" not in said
    assert host.made.exists()
    for file in host.sshd.home.rglob("*"):
        assert not file.is_file() or b"hunter2222" not in file.read_bytes()


def _fleet(hosts: list[Offline], folder: Path, more: str = "") -> list[str]:
    """The words that come before and after a task of an inventory of those hosts."""
    names = [f"h{number}" for number in range(len(hosts))]
    ways = [host.sshd.config.read_text().partition("\nHost *")[0] for host in hosts]
    config = folder / "ssh_config"
    (folder / "known_hosts").write_text("".join(host.sshd.known_hosts.read_text() for host in hosts))
    config.write_text(
        "".join(way.replace("Host box", f"Host {name}") + "\n" for name, way in zip(names, ways, strict=True))
        + f"Host *\n  IdentitiesOnly yes\n  UserKnownHostsFile {folder}/known_hosts\n"
    )
    (folder / "hosts.yaml").write_text(
        f"defaults: {{python: new{more}}}\nhosts: {{{', '.join(f'{n}: {{}}' for n in names)}}}\n"
    )
    return ["nbfab", "-S", str(config), "fleet.install", "--inventory", str(folder / "hosts.yaml")]


def test_an_inventory_may_allow_it(offline: Callable[..., Offline], tmp_path: Path) -> None:
    hosts = [offline(), offline()]
    command = [*_fleet(hosts, tmp_path, ", lend: always"), "--json"]
    machine: Machine = hosts[0].machine
    done = subprocess.run(command, env=machine.env, cwd=machine.work, capture_output=True, text=True, check=False)
    document = json.loads(done.stdout)
    check_document(document)
    for outcome in document["hosts"]:
        assert outcome["verdict"] == "changed", outcome
        assert any(note.startswith(LENT) for note in outcome["notes"])
    assert all(host.made.exists() for host in hosts)


def test_of_many_hosts_one_question_is_asked(offline: Callable[..., Offline], tmp_path: Path) -> None:
    hosts = [offline(), offline()]
    command = _fleet(hosts, tmp_path)
    with Terminal(hosts[0].machine) as terminal:
        terminal.type(" ".join(command) + "; echo status=$?")
        terminal.shows("Hosts of this run reach no index of packages. Lend them this machine's access to one")
        terminal.type("y")
        terminal.shows("status=0", 120)  # which no second question waits for
    assert all(host.made.exists() for host in hosts)
