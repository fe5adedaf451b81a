"""OpenSSH itself as the transport: where it is used, and that it behaves like the other one."""

import base64
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from processes import descendants, lives
from shells import each_shell
from sshd import Sshd, free_port, keygen, wait_until

from nbfab.errors import ConnectError, HostKeyError, NbfabError, Penalized
from nbfab.names import parse_host
from nbfab.ssh import askpass, openssh
from nbfab.ssh.host import There
from nbfab.ssh.jumps import Jumps
from nbfab.ssh.options import SshOptions

Make = Callable[..., Sshd]
HELLO = b"echo reached\n"


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No process of ssh outlives a host, and no folder."""
    folder = Path(tempfile.mkdtemp(prefix="nb", dir="/tmp"))  # the path of a socket has to be short
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield
    wait_until(lambda: not _mentioned(folder), "ssh to end", 10)
    assert list(folder.glob("nbfab-*")) == []
    shutil.rmtree(folder)


def _mentioned(folder: Path) -> list[bytes]:
    """The command lines that name something in a folder."""
    lines = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            lines.append(file.read_bytes())
    return [line for line in lines if str(folder).encode() in line]


class Typist:
    """Types the given answers one after the other, then Control-D."""

    def __init__(self, *answers: str | None) -> None:
        self.prompts: list[str] = []
        self.lines: list[str] = []
        self.keys: list[tuple[str, str, str]] = []
        self._answers = iter(answers)

    def answers(self, prompt: str, *, echo: bool = False) -> str | None:
        self.prompts.append(prompt)
        return next(self._answers, None)

    def reads(self, line: str) -> None:
        self.lines.append(line)

    def trusts(self, host: str, key: str, command: str) -> bool:
        self.keys.append((host, key, command))
        return next(self._answers, None) == "y"


def there(box: Sshd, transport: str = "openssh", typist: Typist | None = None, name: str = "box", **more: Any) -> There:
    jumps = more.pop("jumps_of_run", None)
    options = SshOptions(config=str(box.config), transport=transport, **more)
    return There(name, parse_host(name), options, typist, jumps=jumps)


def said(host: There, program: bytes = HELLO, silence: float = 20) -> str:
    """What a program prints, without what this sshd adds as it logs."""
    try:
        text = b"".join(host.talk(program, silence)).decode()
        return re.sub(r"debug1: .*\r\n", "", text)
    finally:
        host.close()


def refused(host: There) -> NbfabError:
    with pytest.raises(NbfabError) as error:
        said(host)
    return error.value


def test_programs_run_over_one_connection(box: Sshd) -> None:
    host = there(box)
    assert b"reached\n" in b"".join(host.talk(HELLO, 20))
    assert b"err\n" in b"".join(host.talk(b"echo err >&2\n", 20))
    assert host.names == ("127.0.0.1", "box")
    assert host.remarks == ()
    host.close()
    assert box.connections == 1


def _certify(box: Sshd, folder: Path, name: str = "127.0.0.1", validity: str = "+1h") -> Path:
    """Makes the host present a certificate, and no key that would do without; returns its authority."""
    authority = keygen(folder / f"ca{free_port()}")
    public = box.host_keys[0].with_suffix(".pub")
    sign = ["ssh-keygen", "-q", "-s", str(authority), "-I", "box", "-h", "-n", name, "-V", validity, str(public)]
    subprocess.run(sign, check=True)
    box.stop()
    lines = f"HostCertificate {box.host_keys[0]}-cert.pub\nHostKeyAlgorithms ssh-ed25519-cert-v01@openssh.com\n"
    box._lines = lines
    box.log_file.unlink()
    box.start()
    return authority


def _authority_line(box: Sshd, authority: Path) -> str:
    return "@cert-authority " + box.known_line(authority)


def test_a_host_that_presents_only_a_certificate(box: Sshd, tmp_path: Path) -> None:
    authority = _certify(box, tmp_path)
    box.known_hosts.write_text(_authority_line(box, authority))
    host = there(box, transport="")
    assert said(host) == "reached\n"
    assert host.remarks == ("over OpenSSH, not paramiko: known_hosts has a certificate authority for the host",)
    assert box.connections == 1
    before = box.known_hosts.read_text()
    assert before == _authority_line(box, authority)


def test_a_certificate_that_does_not_hold_is_refused(box: Sshd, tmp_path: Path) -> None:
    authority = _certify(box, tmp_path, name="elsewhere.example")
    box.known_hosts.write_text(_authority_line(box, authority))
    error = refused(there(box, transport=""))
    assert isinstance(error, HostKeyError)
    assert re.match("its host key ssh-ed25519 SHA256:.* is refused by ssh: ", str(error))
    box.known_hosts.write_text("@revoked " + box.known_line(authority) + _authority_line(box, authority))
    assert isinstance(refused(there(box, transport="", accept_new=True)), HostKeyError)
    other = keygen(tmp_path / "other")
    box.known_hosts.write_text(_authority_line(box, other))
    error = refused(there(box, transport=""))
    assert isinstance(error, HostKeyError)
    assert "its host key is not known: ssh-ed25519 SHA256:" in str(error)
    assert "Accepted publickey" not in box.log


def test_at_a_terminal_a_new_key_is_asked_about(box: Sshd) -> None:
    box.known_hosts.write_text("")
    doubting, trusting = Typist("n"), Typist("y")
    assert "its host key is not known" in str(refused(there(box, typist=doubting)))
    assert box.known_hosts.read_text() == ""
    assert said(there(box, typist=trusting)) == "reached\n"
    assert doubting.keys == trusting.keys
    assert doubting.keys[0][0] == "box"
    assert said(there(box)) == "reached\n"
    strict = Typist("y")
    box.known_hosts.write_text("")
    box.write_config("StrictHostKeyChecking yes")
    assert "its host key is not known" in str(refused(there(box, typist=strict)))
    assert strict.keys == []


def test_no_key_is_recorded_beside_an_authority(box: Sshd, tmp_path: Path) -> None:
    box.known_hosts.write_text(_authority_line(box, keygen(tmp_path / "ca")))
    before = box.known_hosts.read_text()
    typist = Typist("y")
    error = refused(there(box, transport="", typist=typist, accept_new=True))
    assert isinstance(error, HostKeyError)
    assert "its host key is not known" in str(error)
    assert box.known_hosts.read_text() == before
    assert typist.keys == []


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("Ciphers aes256-gcm@openssh.com", "Ciphers leaves nothing that paramiko knows"),
        ("MACs umac-128-etm@openssh.com", "MACs leaves nothing that paramiko knows"),
        ("KexAlgorithms sntrup761x25519-sha512@openssh.com", "KexAlgorithms leaves nothing that paramiko knows"),
    ],
)
def test_algorithms_that_paramiko_lacks(box: Sshd, line: str, why: str) -> None:
    box.write_config(f"{line}\n")
    host = there(box, transport="")
    assert said(host) == "reached\n"
    assert host.remarks in ((), (f"over OpenSSH, not paramiko: {why}",))  # paramiko may have learned it
    assert box.connections == 1


def test_a_host_whose_algorithms_paramiko_lacks(sshds: Make) -> None:
    box = sshds(lines="KexAlgorithms sntrup761x25519-sha512@openssh.com\n")
    host = there(box, transport="")
    assert said(host) == "reached\n"


def test_known_hosts_command_counts(box: Sshd, tmp_path: Path) -> None:
    script = tmp_path / "known hosts"
    script.write_text(f"#!/bin/sh\n[ \"$1\" = '[127.0.0.1]:{box.port}' ] && cat {tmp_path}/keys\nexit 0\n")
    script.chmod(0o755)
    keys = tmp_path / "keys"
    keys.write_text(box.known_hosts.read_text())
    box.known_hosts.write_text("")
    box.write_config(f'KnownHostsCommand "{script}" %H\n')
    host = there(box, transport="")
    assert said(host) == "reached\n"
    assert host.remarks == ("over OpenSSH, not paramiko: KnownHostsCommand asks a program for the keys of hosts",)
    keys.write_text(box.known_line(keygen(tmp_path / "other")))
    assert isinstance(refused(there(box, transport="")), HostKeyError)
    keys.write_text("")
    error = refused(there(box, transport=""))
    assert isinstance(error, HostKeyError)
    assert "ssh-ed25519 SHA256:" in str(error)
    assert box.log.count("Accepted publickey") == 1


def test_a_key_that_is_in_a_token_is_left_to_openssh(box: Sshd, tmp_path: Path) -> None:
    kind = b"sk-ssh-ed25519@openssh.com"
    public = len(kind).to_bytes(4, "big") + kind + bytes(50)
    head = b"openssh-key-v1\0" + b"".join(len(word).to_bytes(4, "big") + word for word in (b"none", b"none", b""))
    text = base64.encodebytes(head + (1).to_bytes(4, "big") + len(public).to_bytes(4, "big") + public + bytes(300))
    token = tmp_path / "token"
    token.write_bytes(b"-----BEGIN OPENSSH PRIVATE KEY-----\n" + text + b"-----END OPENSSH PRIVATE KEY-----\n")
    host = there(box, transport="", keys=(str(token),))
    said(host)
    assert host.remarks == (f"over OpenSSH, not paramiko: {token} is a security key",)


def test_what_ssh_config_forwards_and_runs_does_not_come_along(box: Sshd, tmp_path: Path) -> None:
    port, touched = free_port(), tmp_path / "touched"
    box.write_config(
        f"RemoteForward {port} 127.0.0.1:1\nLocalForward {free_port()} 127.0.0.1:1\nForwardAgent yes\n"
        f"PermitLocalCommand yes\nLocalCommand touch {touched}\nRemoteCommand echo no\nRequestTTY force\n"
        f"ControlMaster auto\nControlPath {tmp_path}/user-%C\nControlPersist yes\nStrictHostKeyChecking no\n"
        "LogLevel QUIET\nUpdateHostKeys yes\nSessionType none\nForkAfterAuthentication yes\nStdinNull yes\n"
    )
    program = b"tty >/dev/null || echo no terminal\necho ${SSH_AUTH_SOCK-no agent}\n"
    assert said(there(box), program) == "no terminal\nno agent\n"
    assert not touched.exists()
    assert list(tmp_path.glob("user-*")) == []
    assert "tcpip-forward" not in box.log
    box.known_hosts.write_text("")
    assert isinstance(refused(there(box)), HostKeyError)
    assert box.known_hosts.read_text() == ""


def _unknown(box: Sshd, other: Path) -> None:
    box.known_hosts.write_text("")


def _changed(box: Sshd, other: Path) -> None:
    box.trust(other)


def _revoked(box: Sshd, other: Path) -> None:
    box.known_hosts.write_text(box.known_line(box.host_keys[0]) + "@revoked " + box.known_line(box.host_keys[0]))


def _denied(box: Sshd, other: Path) -> None:
    (box.folder / "authorized_keys").write_text("")


def _encrypted(box: Sshd, other: Path) -> None:
    _with_passphrase(box)


SILENT = socket.socket()  # it has a port, where nothing else can listen then, and does not listen itself
SILENT.bind(("127.0.0.1", 0))


def _nothing_listens(box: Sshd, other: Path) -> None:
    box.write_config(f"Host box\n  Port {SILENT.getsockname()[1]}\n")


def _no_such_name(box: Sshd, other: Path) -> None:
    box.write_config("Host box\n  HostName nowhere.invalid\n")


def _localhost_is_not_trusted(box: Sshd, other: Path) -> None:
    box.known_hosts.write_text("")
    box.write_config("NoHostAuthenticationForLocalhost yes\nStrictHostKeyChecking no\n")


@pytest.mark.parametrize(
    "spoil",
    [
        _unknown,
        _changed,
        _revoked,
        _denied,
        _encrypted,
        _nothing_listens,
        _no_such_name,
        _localhost_is_not_trusted,
    ],
)
def test_errors_are_alike(box: Sshd, tmp_path: Path, spoil: Callable[[Sshd, Path], None]) -> None:
    spoil(box, keygen(tmp_path / "other"))
    before = box.known_hosts.read_text()
    one, other = (refused(there(box, transport)) for transport in ("openssh", "paramiko"))
    # The resolver may say another thing each time.
    words = [re.sub(r"does not resolve \(.*\)", "does not resolve", str(error)) for error in (one, other)]
    assert (type(one), words[0], one.hint) == (type(other), words[1], other.hint)
    assert box.known_hosts.read_text() == before
    assert "Accepted publickey" not in box.log


@pytest.mark.parametrize("transport", ["openssh", "paramiko"])
def test_a_key_that_a_file_revokes_is_refused(box: Sshd, tmp_path: Path, transport: str) -> None:
    listed = tmp_path / "listed"
    listed.write_text(box.host_keys[0].with_suffix(".pub").read_text())
    box.write_config(f"RevokedHostKeys {listed}\n")
    error = refused(there(box, transport))
    assert isinstance(error, HostKeyError)
    assert re.search(f"revoked by .*{listed}", str(error))


@pytest.mark.parametrize("transport", ["openssh", "paramiko"])
def test_a_new_key_is_recorded_on_request_only(box: Sshd, transport: str) -> None:
    line = box.known_hosts.read_text()
    box.known_hosts.write_text("")
    assert said(there(box, transport, accept_new=True)) == "reached\n"
    assert box.known_hosts.read_text() == line
    assert said(there(box, transport)) == "reached\n"


def _with_passphrase(box: Sshd) -> None:
    subprocess.run(["ssh-keygen", "-q", "-p", "-N", "open sesame", "-f", box.identity], check=True, capture_output=True)


def test_a_passphrase_is_given_or_typed_and_seen_by_no_one_else(box: Sshd) -> None:
    _with_passphrase(box)
    assert said(there(box, passphrase="open sesame")) == "reached\n"
    typist = Typist("wrong", "open sesame")
    assert said(there(box, typist=typist)) == "reached\n"
    assert len(typist.prompts) == 2
    assert str(box.identity) in typist.prompts[0]
    error = refused(there(box))
    assert "permission denied (publickey" in str(error)
    box.write_config("BatchMode yes\n")
    typist = Typist("open sesame")
    refused(there(box, typist=typist))
    assert typist.prompts == []
    assert said(there(box, passphrase="open sesame")) == "reached\n"


def test_a_given_secret_is_in_no_argument_environment_or_file(box: Sshd, tmp_path: Path) -> None:
    secret = f"sesame-{tmp_path.name}"
    subprocess.run(["ssh-keygen", "-q", "-p", "-N", secret, "-f", box.identity], check=True, capture_output=True)
    seen: list[bytes] = []

    class Watcher(Typist):
        """Looks at every process and file while ssh waits for an answer."""

        def answers(self, prompt: str, *, echo: bool = False) -> str | None:
            for place in ("cmdline", "environ"):
                for file in Path("/proc").glob(f"[0-9]*/{place}"):
                    try:
                        seen.append(file.read_bytes())
                    except OSError:
                        continue
            seen.extend(file.read_bytes() for file in Path(tempfile.gettempdir()).rglob("*") if file.is_file())
            return secret

    # The given one is asked for a second time, so that there is a moment to look.
    assert said(there(box, typist=Watcher(), passphrase="not this one")) == "reached\n"
    assert seen
    assert not [place for place in seen if secret.encode() in place or b"not this one" in place]


def test_control_d_at_a_password_is_a_refused_login(box: Sshd) -> None:
    box.write_config("PreferredAuthentications password\n")
    typist = Typist(None)
    assert "permission denied (publickey,password" in str(refused(there(box, typist=typist)))
    assert len(typist.prompts) == 1
    assert re.fullmatch(r".+@127\.0\.0\.1's password: ", typist.prompts[0])


def test_a_given_password_is_tried_once(box: Sshd) -> None:
    box.write_config("PreferredAuthentications password\n")
    assert "permission denied" in str(refused(there(box, password="not that")))
    assert box.log.count("Failed password") <= 1


def test_an_old_openssh_is_named_where_it_could_not_ask(box: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    box.write_config("PreferredAuthentications password\n")
    monkeypatch.setattr(openssh, "version", lambda: (8, 3))
    monkeypatch.setattr("nbfab.ssh.refusal.version", lambda: (8, 3))
    typist = Typist("secret")
    assert "takes OpenSSH 8.4 or later" in str(refused(there(box, typist=typist)))
    assert typist.prompts == []
    assert askpass.version() >= (8, 4)


def test_many_hosts_behind_a_jump_host_share_one_login_there(sshds: Make) -> None:
    jump, first, second = sshds(), sshds(), sshds()
    _with_passphrase(jump)
    hosts = "".join(
        f"Host {name}\n  HostName 127.0.0.1\n  Port {host.port}\n  IdentityFile {host.identity}\n"
        for name, host in {"jump": jump, "one": first, "two": second}.items()
    )
    first.write_config(f"Host one two\n  ProxyJump jump\nHost *\n  ControlMaster auto\n  ControlPath none\n{hosts}")
    first.known_hosts.write_text("".join(host.known_line(host.host_keys[0]) for host in (jump, first, second)))
    typist, run = Typist("open sesame"), Jumps()
    try:
        assert said(there(first, typist=typist, name="one", jumps_of_run=run)) == "reached\n"
        assert said(there(first, typist=typist, name="two", jumps_of_run=run)) == "reached\n"
    finally:
        run.close()
    assert (jump.connections, first.connections, second.connections) == (1, 1, 1)
    assert len(typist.prompts) == 1
    first.known_hosts.write_text(first.known_line(first.host_keys[0]))
    error = refused(there(first, name="one"))
    assert isinstance(error, HostKeyError)
    assert str(error).startswith("jump host jump: its host key is not known")
    assert error.jump == "jump"


def test_a_jump_host_that_cannot_reach_the_host_is_named(sshds: Make) -> None:
    jump, last = sshds(), sshds()
    last.write_config(
        f"Host jump\n  HostName 127.0.0.1\n  Port {jump.port}\n  IdentityFile {jump.identity}\n"
        f"Host box\n  Port {free_port()}\n  ProxyJump jump\n"
    )
    last.known_hosts.write_text(jump.known_line(jump.host_keys[0]))
    for transport in ("openssh", "paramiko"):
        assert "jump host jump cannot reach it (" in str(refused(there(last, transport)))


def test_a_host_behind_a_jump_host_that_needs_openssh(sshds: Make, tmp_path: Path) -> None:
    jump, last = sshds(), sshds()
    authority = _certify(jump, tmp_path)
    last.write_config(
        f"Host jump\n  HostName 127.0.0.1\n  Port {jump.port}\n  IdentityFile {jump.identity}\n"
        "Host box\n  ProxyJump jump\n"
    )
    last.known_hosts.write_text(_authority_line(jump, authority) + last.known_line(last.host_keys[0]))
    host = there(last, transport="")
    assert said(host) == "reached\n"
    (remark,) = host.remarks
    assert remark.endswith("jump host jump: known_hosts has a certificate authority for the host")


def test_jump_hosts_of_an_inventory_count(sshds: Make) -> None:
    jump, last = sshds(), sshds()
    last.write_config(f"Host jump\n  HostName 127.0.0.1\n  Port {jump.port}\n  IdentityFile {jump.identity}\n")
    last.known_hosts.write_text("".join(host.known_line(host.host_keys[0]) for host in (jump, last)))
    assert said(there(last, jumps=(parse_host("jump"),))) == "reached\n"
    assert jump.connections == 1
    last.write_config("Host box\n  ProxyJump nowhere.invalid\n")
    assert said(there(last, jumps=())) == "reached\n"


def test_a_silent_host_is_given_up(box: Sshd) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        box.write_config(f"Host box\n  Port {silent.getsockname()[1]}\n  ConnectTimeout 1\n")
        began = time.monotonic()
        refused(there(box))
        assert time.monotonic() - began < 10


def test_an_unanswered_login_is_given_up(box: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openssh, "LOGIN", 0.5)
    # sshd answers no more once its session is stopped.
    box.write_config(f"ConnectTimeout 1\nProxyCommand {box.folder}/slow %p\n")
    slow = box.folder / "slow"
    slow.write_text("#!/bin/sh\nexec socat - TCP:127.0.0.1:$1,rcvbuf=1 | { head -c 1200; exec sleep 60; }\n")
    slow.chmod(0o755)
    began = time.monotonic()
    error = refused(there(box))
    assert re.search("in time|within 1 seconds", str(error))
    assert time.monotonic() - began < 15


def test_a_program_without_output_is_given_up(box: Sshd) -> None:
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        said(there(box), b"echo begun; sleep 60\n", 1)
    assert time.monotonic() - began < 10


def test_a_connection_that_is_cut_is_an_error(box: Sshd) -> None:
    host = there(box)
    output = host.talk(b"echo begun; sleep 60\n", 20)
    assert b"begun" in next(data for data in output if b"begun" in data)
    box.cut()
    with pytest.raises(ConnectError, match="the connection was cut"):
        list(output)
    host.close()


def test_a_host_that_is_closed_from_another_thread_ends(box: Sshd) -> None:
    host = there(box)
    threading.Timer(1, host.close).start()
    began = time.monotonic()
    with pytest.raises(ConnectError):
        list(host.talk(b"echo begun; sleep 60\n", 50))
    assert time.monotonic() - began < 20


def test_a_login_shell_that_runs_no_program_is_quoted(sshds: Make) -> None:
    box = sshds(lines="ForceCommand echo no shell for you")
    assert "no shell for you\n" in said(there(box))
    box = sshds(lines="ForceCommand exit 3")
    assert said(there(box)) == ""


def test_ssh_ends_with_a_nbfab_that_is_killed(box: Sshd) -> None:
    host = there(box)
    assert b"reached\n" in b"".join(host.talk(HELLO, 20))
    assert host._link
    assert host._link._process
    (pid,) = [pid for pid in descendants(host._link._process.pid, "ssh") if lives(pid)]
    assert host._link._process.stdin
    host._link._process.stdin.close()  # as the end of this process would
    wait_until(lambda: not lives(pid), "ssh to end", 10)
    wait_until(lambda: not os.path.exists(host._link._folder), "its folder to go", 10)  # type: ignore[union-attr]
    host.close()


@each_shell
def test_an_ssh_that_ends_at_once_is_noticed_at_once(shell: tuple[str, ...], tmp_path: Path) -> None:
    words = [*shell, "-c", openssh._WATCH, str(tmp_path), "false"]
    for _ in range(50):
        with subprocess.Popen(words, stdin=subprocess.PIPE) as watch:  # which stays open
            try:
                watch.wait(20)
            finally:
                watch.kill()


def test_control_c_ends_ssh(box: Sshd) -> None:
    host = there(box)
    threading.Timer(1.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        said(host, b"echo begun; sleep 60\n", 50)


def test_a_host_that_hangs_up_is_tried_again(box: Sshd, tmp_path: Path) -> None:
    # As sshd does above its MaxStartups: the first two connections are closed without a word.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        box.write_config(f"Host box\n  Port {listener.getsockname()[1]}\n")
        box.known_hosts.write_text(box.known_line(box.host_keys[0], f"[127.0.0.1]:{listener.getsockname()[1]}"))

        def serve() -> None:
            for _ in range(2):
                listener.accept()[0].close()
            link, _ = listener.accept()
            relay = ["socat", "-", f"TCP:127.0.0.1:{box.port}"]
            with link, subprocess.Popen(relay, stdin=link.fileno(), stdout=link.fileno()):
                pass

        threading.Thread(target=serve, daemon=True).start()
        lines: list[str] = []
        run = Jumps()
        options = SshOptions(config=str(box.config), transport="openssh")
        host = There("box", parse_host("box"), options, jumps=run, sees=lines.append)
        try:
            assert said(host) == "reached\n"
        finally:
            run.close()
        assert lines == ["it hung up; trying again (1 of 4)", "it hung up; trying again (2 of 4)"]


@pytest.mark.parametrize("transport", ["openssh", "paramiko"])
def test_a_host_that_punishes_this_address_is_named(box: Sshd, transport: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        box.write_config(f"Host box\n  Port {listener.getsockname()[1]}\n")

        def serve() -> None:
            link, _ = listener.accept()
            with link:
                link.sendall(b"Not allowed at this time\r\n")  # as sshd does, in the place of its version

        threading.Thread(target=serve, daemon=True).start()
        error = refused(there(box, transport))
    assert isinstance(error, Penalized)
    assert "the host refuses this address for a while" in str(error)
