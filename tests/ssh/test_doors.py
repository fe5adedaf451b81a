"""Many logins to one address, against an sshd that punishes those that fail (PerSourcePenalties)."""

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import paramiko
import pytest
from sshd import keygen, wait_until

from nbfab.errors import Denied, NbfabError, Penalized
from nbfab.names import parse_host
from nbfab.ssh import doors
from nbfab.ssh.connection import Connection
from nbfab.ssh.host import There
from nbfab.ssh.jumps import Jumps
from nbfab.ssh.options import SshOptions
from nbfab.ssh.transport import PromptSocket

FAILED, LIMIT = 0.5, 1.5  # seconds: a tenth of what sshd has by default


class Strict(paramiko.ServerInterface):
    """Lets everyone in whose name begins with `good`; `entered` once it has."""

    entered = False

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        self.entered = username.startswith("good")
        return paramiko.common.AUTH_SUCCESSFUL if self.entered else paramiko.common.AUTH_FAILED

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"


class Penalties:
    """A stand-in for an sshd with penalties; `refused` counts the connections that it drops because of them."""

    def __init__(self, folder: Path, version: str) -> None:
        self.refused = 0
        self._version, self._owed, self._active, self._lock = version, 0.0, False, threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        port = self._listener.getsockname()[1]
        self._key, identity, known = keygen(folder / "host"), keygen(folder / "id"), folder / "known_hosts"
        known.write_text(f"[127.0.0.1]:{port} {Path(f'{self._key}.pub').read_text()}")
        self.config = folder / "ssh_config"
        self.config.write_text(
            f"HostName 127.0.0.1\nPort {port}\nIdentityFile {identity}\nIdentitiesOnly yes\n"
            f"UserKnownHostsFile {known}\nGlobalKnownHostsFile none\n"
        )
        self._server = threading.Thread(target=self._serve)
        self._server.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # or `accept` would go on
        self._server.join()
        self._listener.close()

    def punish(self, seconds: float) -> None:
        """Adds a penalty; sshd enforces them once their sum is large enough, until they have run out."""
        with self._lock:
            now = time.monotonic()
            self._owed = max(self._owed, now) + seconds
            self._active = self._active or self._owed - now >= LIMIT

    def _serve(self) -> None:
        while True:
            try:
                link = self._listener.accept()[0]
            except OSError:
                return
            self._active = self._active and self._owed > time.monotonic()
            if self._active:
                self.refused += 1
                with link:
                    link.sendall(b"Not allowed at this time\r\n")
            else:
                threading.Thread(target=self._let_in, args=(link,), daemon=True).start()

    def _let_in(self, link: socket.socket) -> None:
        transport, rules = paramiko.Transport(link), Strict()
        transport.local_version = self._version
        transport.add_server_key(paramiko.Ed25519Key.from_private_key_file(str(self._key)))
        transport.start_server(server=rules, event=threading.Event())
        transport.join(60)
        if not rules.entered:
            self.punish(FAILED)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """An sshd that forgives ten times as fast, and doors that know."""
    for name in ("FAILED", "UNTRIED", "LIMIT", "SHUT"):
        monkeypatch.setattr(doors, name, getattr(doors, name) / 10)


@contextmanager
def penalties(folder: Path, version: str = "SSH-2.0-OpenSSH_10.0p2 Debian-7") -> Iterator[Penalties]:
    host = Penalties(folder, version)
    try:
        yield host
    finally:
        host.close()


def visit(host: Penalties, names: list[str]) -> tuple[dict[str, NbfabError | None], list[str]]:
    """How the logins with those names end, all begun at once, and what they have to say meanwhile."""
    jumps, lines, ends = Jumps(), list[str](), dict[str, NbfabError | None]()

    def log_in(name: str) -> None:
        there = There(
            name, parse_host(f"{name}@box"), SshOptions(config=str(host.config)), jumps=jumps, sees=lines.append
        )
        try:
            there._open(there._connection, there._connection.open)
            ends[name] = None
        except NbfabError as error:
            ends[name] = error
        finally:
            there.close()

    with ThreadPoolExecutor(len(names)) as threads:
        list(threads.map(log_in, names))
    return ends, lines


@pytest.mark.usefixtures("quick")
def test_a_few_wrong_keys_do_not_cost_the_other_accounts_their_login(tmp_path: Path) -> None:
    names = [f"{'bad' if number % 5 == 0 else 'good'}{number}" for number in range(30)]
    with penalties(tmp_path) as host:
        ends, lines = visit(host, names)
    assert {name for name, error in ends.items() if error} == {name for name in names if name.startswith("bad")}
    assert all(isinstance(error, Denied) for error in ends.values() if error)
    assert host.refused == 0, "the user's own ssh would have been refused as well"
    assert any("logins to its address have failed" in line for line in lines)


@pytest.mark.usefixtures("quick")
def test_an_address_that_is_refused_already_is_tried_again_later(tmp_path: Path) -> None:
    with penalties(tmp_path) as host:
        host.punish(LIMIT)
        ends, lines = visit(host, ["good1", "good2", "good3"])
    assert not any(ends.values()), ends
    assert host.refused > 0
    assert "the host refuses this address after failed logins; waiting" in lines


@pytest.mark.usefixtures("quick")
def test_the_wait_has_an_end_and_a_cause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "PATIENCE", 1.0)
    with penalties(tmp_path) as host:
        ends, _ = visit(host, [f"bad{number}" for number in range(12)])
        assert any("not tried: " in str(error) for error in ends.values())
        assert host.refused == 0
        host.punish(60)
        ends, _ = visit(host, ["good1", "good2"])
    assert all(isinstance(error, Penalized) for error in ends.values())
    assert "the host refuses this address for a while, after failed logins" in str(ends["good1"])


def test_one_host_alone_is_told_at_once(tmp_path: Path) -> None:
    with penalties(tmp_path) as host:
        host.punish(60)
        for _ in range(30):  # it hangs up before it has read anything, or after
            with (
                Connection(parse_host("good@box"), SshOptions(config=str(host.config))) as made,
                pytest.raises(Penalized, match="PerSourcePenalties"),
            ):
                made.open()


def test_an_sshd_without_penalties_is_not_spared(tmp_path: Path) -> None:
    with penalties(tmp_path, "SSH-2.0-OpenSSH_9.2p1") as host:
        began = time.monotonic()
        ends, _ = visit(host, [f"bad{number}" for number in range(2)])
        ends_too, _ = visit(host, ["good"])
    assert all(isinstance(error, Denied) for error in ends.values())
    assert ends_too == {"good": None}
    assert time.monotonic() - began < 5


def test_what_a_host_says_before_it_hangs_up_is_read_although_it_no_longer_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, PromptSocket() as link:
        link.settimeout(20)
        link.connect(listener.getsockname())
        with listener.accept()[0] as host:
            host.sendall(b"Not allowed at this time\r\n")
        link.send(b"SSH-2.0-paramiko\r\n")  # answered by a reset
        wait_until(lambda: link.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), "the reset")
        assert link.send(b"more") == 4
        assert link.recv(100) == b"Not allowed at this time\r\n"
