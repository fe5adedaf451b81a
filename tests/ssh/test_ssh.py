"""Connections over SSH, against real servers: trust, routes, logins, and the errors when they fail."""

import os
import pwd
import re
import select
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import paramiko
import pytest
from namespace import passwd
from paramiko.server import InteractiveQuery
from sshd import Sshd, free_port, keygen, wait_until

from nbfab.errors import ConnectError, HostError, HostKeyError
from nbfab.fix import Command, again, there
from nbfab.names import parse_host
from nbfab.ssh import connection, host, login, transport
from nbfab.ssh.connection import Connection
from nbfab.ssh.host import There
from nbfab.ssh.options import SshOptions

USER = pwd.getpwuid(os.geteuid()).pw_name

Make = Callable[..., Sshd]


class Typist:
    """Types the given answers one after the other, then Control-D; `prompts` are those seen, and whether they echo."""

    def __init__(self, *answers: str | None) -> None:
        self.prompts: list[tuple[str, bool]] = []
        self.lines: list[str] = []
        self.keys: list[tuple[str, str, str]] = []
        self._answers = iter(answers)

    def answers(self, prompt: str, *, echo: bool = False) -> str | None:
        self.prompts.append((prompt, echo))
        return next(self._answers, None)

    def reads(self, line: str) -> None:
        self.lines.append(line)

    def trusts(self, host: str, key: str, command: str) -> bool:
        self.keys.append((host, key, command))
        return next(self._answers, None) == "y"


@contextmanager
def opened(box: Sshd, name: str = "box", typist: Typist | None = None, **options: Any) -> Iterator[Connection]:
    """A new connection; `options` are those of SshOptions."""
    with Connection(parse_host(name), SshOptions(config=str(box.config), **options), typist) as made:
        made.open()
        assert made.is_connected
        yield made


def connect(box: Sshd, name: str = "box", typist: Typist | None = None, **options: Any) -> str:
    """The output of a command over a new connection."""
    with opened(box, name, typist, **options) as made:
        channel = made.create_session()
        channel.settimeout(20)
        channel.exec_command("echo reached")
        return bytes(channel.recv(100)).decode()


def fingerprint(key: Path) -> str:
    command = ["ssh-keygen", "-lf", str(key.with_suffix(".pub"))]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[1]


def test_a_known_host(box: Sshd) -> None:
    assert connect(box) == "reached\n"


def test_an_unknown_host_is_refused_with_its_fingerprint(box: Sshd) -> None:
    box.known_hosts.write_text("")
    with pytest.raises(HostKeyError, match=re.escape(fingerprint(box.host_keys[0]))) as error:
        connect(box)
    assert error.value.fix == (
        "compare it with what the host's administrator gets from",
        there("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub"),
        "if it is the same, record it",
        again("--accept-new-host-key"),
    )
    assert box.known_hosts.read_text() == ""
    assert "Accepted publickey" not in box.log


def test_at_a_terminal_a_new_key_is_asked_about(box: Sshd) -> None:
    box.known_hosts.write_text("")
    doubting, trusting = Typist("n"), Typist("y")
    with pytest.raises(HostKeyError, match="is not known"):
        connect(box, typist=doubting)
    assert box.known_hosts.read_text() == ""
    shown = f"ssh-ed25519 {fingerprint(box.host_keys[0])}"
    assert doubting.keys == [("box", shown, "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub")]
    assert connect(box, typist=trusting) == "reached\n"
    assert trusting.keys == doubting.keys
    assert connect(box) == "reached\n"


@pytest.mark.parametrize(
    "line",
    ["StrictHostKeyChecking yes", "BatchMode yes", "UserKnownHostsFile none", "StrictHostKeyChecking accept-new"],
)
def test_there_is_no_question_that_ssh_config_has_answered(box: Sshd, line: str) -> None:
    box.known_hosts.write_text("")
    box.write_config(line)
    typist = Typist("y")
    if line.endswith("accept-new"):
        assert connect(box, typist=typist) == "reached\n"
    else:
        with pytest.raises(HostKeyError, match="is not known"):
            connect(box, typist=typist)
    assert typist.keys == []


def test_only_a_key_that_is_not_known_is_asked_about(box: Sshd, tmp_path: Path) -> None:
    box.trust(keygen(tmp_path / "other"))
    changed = Typist("y")
    with pytest.raises(HostKeyError, match="someone is intercepting the connection"):
        connect(box, typist=changed)
    box.known_hosts.write_text("@revoked " + box.known_line(box.host_keys[0]))
    revoked = Typist("y")
    with pytest.raises(HostKeyError, match="revoked"):
        connect(box, typist=revoked)
    assert (changed.keys, revoked.keys) == ([], [])


def test_a_key_may_be_compared_for_longer_than_a_login_may_take(sshds: Make) -> None:
    box = sshds(lines="LoginGraceTime 1")
    box.known_hosts.write_text("")

    class Slow(Typist):
        def trusts(self, host: str, key: str, command: str) -> bool:
            wait_until(lambda: not made._opening.is_active(), "sshd to hang up")
            return super().trusts(host, key, command)

    typist = Slow("y")
    with Connection(parse_host("box"), SshOptions(config=str(box.config)), typist) as made:
        made.open()
        assert made.is_connected
    assert (len(typist.keys), box.connections) == (1, 2)


@pytest.mark.parametrize("before", ["", "# no end of line", "other.example ssh-ed25519 AAAA\n"])
@pytest.mark.parametrize("hashed", [False, True])
def test_a_new_key_is_recorded_on_request(box: Sshd, before: str, hashed: bool) -> None:
    box.known_hosts.write_text(before)
    if hashed:
        box.write_config("HashKnownHosts yes\n")
    assert connect(box, accept_new=True) == "reached\n"
    assert connect(box) == "reached\n"
    text = box.known_hosts.read_text()
    assert text.startswith(before)
    assert ("127.0.0.1" in text) != hashed
    assert len(text.splitlines()) == len(before.splitlines()) + 1
    found = subprocess.run(["ssh-keygen", "-F", f"[127.0.0.1]:{box.port}", "-f", box.known_hosts], capture_output=True)
    assert found.returncode == 0


@pytest.mark.parametrize("accept_new", [False, True])
def test_a_changed_key_is_always_refused(box: Sshd, tmp_path: Path, accept_new: bool) -> None:
    box.trust(keygen(tmp_path / "other"))
    before = box.known_hosts.read_text()
    with pytest.raises(HostKeyError, match="someone is intercepting the connection") as error:
        connect(box, accept_new=accept_new)
    assert box.known_hosts.read_text() == before
    assert "Accepted publickey" not in box.log
    (forget,) = (part for part in error.value.fix if isinstance(part, Command) and not part.on)
    subprocess.run(["sh", "-c", forget.line], capture_output=True, check=True)
    assert error.value.fix[-1] == again("--accept-new-host-key")
    assert connect(box, accept_new=True) == "reached\n"


@pytest.mark.parametrize(("kind", "file"), [("ecdsa", "ecdsa"), ("rsa", "rsa"), ("ed25519", "ed25519")])
def test_the_key_to_compare_with_is_of_the_type_that_the_host_has_shown(
    sshds: Callable[..., Sshd], kind: str, file: str
) -> None:
    box = sshds(kinds=(kind,))
    box.known_hosts.write_text("")
    with pytest.raises(HostKeyError, match="is not known") as error:
        connect(box)
    assert there(f"ssh-keygen -lf /etc/ssh/ssh_host_{file}_key.pub") in error.value.fix


def test_keys_are_found_as_openssh_finds_them(box: Sshd, tmp_path: Path) -> None:
    key, other = box.host_keys[0], keygen(tmp_path / "other")
    hashed = tmp_path / "hashed"
    hashed.write_text(box.known_line(key))
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", hashed], check=True, capture_output=True)
    good = {
        "hashed": hashed.read_text(),
        "wildcard": box.known_line(key, "[127.0.*]:*"),
        "two keys": box.known_line(other) + box.known_line(key),
        "without the port": box.known_line(key, "127.0.0.1"),
        "with garbage": "x y z\n[127.0.0.1]:1 ssh-rsa @@@\n" + box.known_line(key),
        "with an authority": "@cert-authority " + box.known_line(other) + box.known_line(key),
        "capitals": box.known_line(key, f"[127.0.0.1]:{box.port},Example.ORG"),
    }
    good["another without the port"] = box.known_line(key) + box.known_line(other, "127.0.0.1")
    for name, text in good.items():
        box.known_hosts.write_text(text)
        assert connect(box, transport="paramiko") == "reached\n", name
    bad = {
        "negated": (box.known_line(key, f"[127.0.0.1]:*,![127.0.0.1]:{box.port}"), "is not known"),
        "revoked": ("@revoked " + box.known_line(key), "is revoked"),
        "also revoked": (box.known_line(key) + "@revoked " + box.known_line(key), "is revoked"),
        "another with the port": (box.known_line(other) + box.known_line(key, "127.0.0.1"), "someone is intercepting"),
        "an authority only": ("@cert-authority " + box.known_line(key), "has only a certificate authority"),
    }
    for text, words in bad.values():
        box.known_hosts.write_text(text)
        with pytest.raises(HostKeyError, match=words):
            connect(box, transport="paramiko")


def test_an_entry_without_the_port_can_only_confirm_a_key(box: Sshd, tmp_path: Path) -> None:
    box.known_hosts.write_text(box.known_line(keygen(tmp_path / "other"), "127.0.0.1"))
    with pytest.raises(HostKeyError, match="is not known"):
        connect(box)
    assert connect(box, accept_new=True) == "reached\n"
    assert connect(box) == "reached\n"
    assert len(box.known_hosts.read_text().splitlines()) == 2


def test_a_revoked_key_is_refused(box: Sshd, tmp_path: Path) -> None:
    own, other = box.host_keys[0].with_suffix(".pub"), keygen(tmp_path / "other").with_suffix(".pub")
    plain = tmp_path / "revoked keys"
    box.write_config(f'RevokedHostKeys "{plain}"\n')
    with pytest.raises(HostKeyError, match=r"cannot check its host key .* against RevokedHostKeys .*: No such file"):
        connect(box)
    plain.write_text(f"# those that leaked\nnonsense\n{other.read_text()}")
    assert connect(box) == "reached\n"
    plain.write_text(f"# those that leaked\nnonsense\n{other.read_text()}{own.read_text()}")
    with pytest.raises(HostKeyError, match="is revoked"):
        connect(box)
    box.known_hosts.write_text("")
    with pytest.raises(HostKeyError, match="is revoked"):
        connect(box, accept_new=True)
    assert box.known_hosts.read_text() == ""
    box.trust()
    for revoked, words in ((other, ""), (own, "is revoked")):
        subprocess.run(["ssh-keygen", "-q", "-k", "-f", plain, revoked], check=True, capture_output=True)
        if words:
            with pytest.raises(HostKeyError, match=words):
                connect(box)
        else:
            assert connect(box) == "reached\n"
    plain.write_bytes(plain.read_bytes()[:40])
    with pytest.raises(HostKeyError, match=r"cannot check its host key .* against RevokedHostKeys: .*KRL"):
        connect(box)
    assert box.log.count("Accepted publickey") == 2


def test_the_type_of_the_key_on_record_is_requested(sshds: Make) -> None:
    box = sshds(kinds=("ed25519", "ecdsa", "rsa"))
    for key in box.host_keys:
        box.trust(key)
        assert connect(box) == "reached\n"


def test_host_key_algorithms_limit_what_is_requested(sshds: Make) -> None:
    box = sshds(kinds=("ed25519", "ecdsa", "rsa"))
    box.write_config("HostKeyAlgorithms rsa-sha2-256,ecdsa-sha2-nistp256\n")
    assert connect(box) == "reached\n"
    assert "server host key algorithm: rsa-sha2-256" in box.log or "host key algorithm: rsa-sha2-256" in box.log
    for key in box.host_keys[:2]:  # as in OpenSSH, the first that both have is asked for, whatever is on record
        box.trust(key)
        with pytest.raises(HostKeyError, match="someone is intercepting the connection"):
            connect(box)
    box.write_config("HostKeyAlgorithms sk-ssh-ed25519@openssh.com\n")
    with pytest.raises(ConnectError, match="HostKeyAlgorithms leaves nothing that paramiko knows"):
        connect(box)


def test_address_family_and_bind_address_are_honored(box: Sshd) -> None:
    box.write_config("AddressFamily inet6\n")
    with pytest.raises(ConnectError, match="does not resolve"):
        connect(box)
    box.write_config("AddressFamily inet\nBindAddress 127.0.0.7\n")
    assert connect(box) == "reached\n"
    assert "Connection from 127.0.0.7" in box.log
    box.write_config("BindAddress 192.0.2.1\n")
    with pytest.raises(ConnectError, match=r"BindAddress 192\.0\.2\.1: "):
        connect(box)


def test_ssh_config_is_read_as_openssh_reads_it(box: Sshd, tmp_path: Path) -> None:
    included = tmp_path / "included"
    included.write_text(
        f"Host far\n  HostName 127.0.0.1\n  Port {box.port} # a comment\n  IdentityFile {box.identity}\n"
    )
    spaced = tmp_path / "known hosts"
    spaced.write_text(box.known_line(box.host_keys[0], "the-alias"))
    box.known_hosts.write_text("")
    more = f"""Include {included}
Match host 127.0.0.1 user another
  User wrong
Match originalhost far
  HostKeyAlias The-Alias
  UserKnownHostsFile "{spaced}"
  IdentityFile {tmp_path}/missing
  IdentityFile ${{HOME}}/missing-too
"""
    box.write_config(more)
    assert connect(box, "far") == "reached\n"
    with pytest.raises(HostKeyError, match="is not known"):
        connect(box)


def test_a_user_name_may_contain_an_at_sign(sshds: Make, tmp_path: Path) -> None:
    name = "ann@corp.example"
    users = tmp_path / "passwd"
    passwd(users, name=name)
    far, near = (sshds(replace={"/etc/passwd": str(users)}) for _ in range(2))
    far.write_config(f"Host near\n  HostName 127.0.0.1\n  Port {near.port}\n  IdentityFile {near.identity}\n")
    far.known_hosts.write_text(far.known_line(far.host_keys[0]) + near.known_line(near.host_keys[0]))
    assert connect(far, f"{name}@box") == "reached\n"
    assert f"Accepted publickey for {name} " in far.log
    assert connect(far, f"{name}@box", jumps=(parse_host(f"{name}@near"),)) == "reached\n"
    assert f"Accepted publickey for {name} " in near.log


def test_jump_hosts_are_used_in_openssh_s_order(sshds: Make) -> None:
    first, second, last = sshds(), sshds(), sshds()
    hosts = f"""Host first
  Port {first.port}
  IdentityFile {first.identity}
Host second
  Port {second.port}
  IdentityFile {second.identity}
Host box
  ProxyJump first,second
Host first second
  HostName 127.0.0.1
"""
    last.write_config(hosts)
    known = [host.known_line(host.host_keys[0]) for host in (first, second, last)]
    last.known_hosts.write_text("".join(known))
    assert connect(last) == "reached\n"
    assert f"to connect to host 127.0.0.1 port {second.port}" in first.log or str(second.port) in first.log
    assert str(last.port) in second.log
    assert str(last.port) not in first.log
    last.known_hosts.write_text(known[0] + known[2])
    with pytest.raises(HostKeyError, match=r"jump host second: its host key is not known"):
        connect(last)


def test_a_proxy_command_is_run_by_the_shell(box: Sshd) -> None:
    box.write_config("Host box\n  ProxyCommand socat - TCP:%h:%p 2>/dev/null || exit 3\n")
    assert connect(box) == "reached\n"
    box.write_config("Host box\n  ProxyCommand sh -c 'echo the tunnel is closed >&2; exit 1'\n")
    with pytest.raises(ConnectError, match="sh says: the tunnel is closed"):
        connect(box)


def test_an_invalid_proxy_command_gives_the_error_of_sh(box: Sshd) -> None:
    box.write_config("Host box\n  ProxyCommand echo it is closed >&2; \\\n")
    with pytest.raises(ConnectError, match="ProxyCommand says: "):
        connect(box)


def test_two_proxy_commands_at_once_keep_their_errors_apart(box: Sshd, tmp_path: Path) -> None:
    box.write_config(
        f"Host slow\n  ProxyCommand sh -c 'touch {tmp_path}/started; until [ -e {tmp_path}/go ]; do sleep 0.1; done; "
        "echo slow failed >&2'\nHost fast\n  ProxyCommand sh -c 'echo fast failed >&2'\n"
    )
    with ThreadPoolExecutor() as threads:
        slow = threads.submit(connect, box, "slow")
        wait_until((tmp_path / "started").exists, "the first command to start")
        with pytest.raises(ConnectError, match="fast failed"):
            connect(box, "fast")
        (tmp_path / "go").touch()
        with pytest.raises(ConnectError, match="slow failed"):
            slow.result(60)


def test_a_jump_host_may_contain_tokens(sshds: Make) -> None:
    jump, last = sshds(), sshds()
    last.write_config(
        f"Host jump-box\n  HostName 127.0.0.1\n  Port {jump.port}\n  IdentityFile {jump.identity}\n"
        "Host box\n  ProxyJump %r@jump-%n\n"
    )
    last.known_hosts.write_text("".join(host.known_line(host.host_keys[0]) for host in (jump, last)))
    assert connect(last) == "reached\n"
    assert jump.connections == 1


def test_jump_hosts_that_form_a_loop_are_an_error(box: Sshd) -> None:
    box.write_config("Host box\n  ProxyJump other\nHost other\n  ProxyJump box\n")
    with pytest.raises(ConnectError, match="its jump hosts form a loop"):
        connect(box)


def test_an_encrypted_key_is_decrypted_or_named(box: Sshd) -> None:
    subprocess.run(["ssh-keygen", "-q", "-p", "-N", "open sesame", "-f", box.identity], check=True, capture_output=True)
    with pytest.raises(ConnectError, match="is encrypted") as error:
        connect(box)
    assert error.value.hint == f"ssh-add {box.identity}"
    typist = Typist("open sesame")
    assert connect(box, typist=typist) == "reached\n"
    assert typist.prompts == [(f"Enter passphrase for key '{box.identity}': ", False)]
    assert connect(box, passphrase="open sesame") == "reached\n"


def test_a_passphrase_may_be_mistyped_twice(box: Sshd) -> None:
    subprocess.run(["ssh-keygen", "-q", "-p", "-N", "open sesame", "-f", box.identity], check=True, capture_output=True)
    assert connect(box, typist=Typist("sesame", "open", "open sesame")) == "reached\n"
    box.write_config("PreferredAuthentications publickey\n")
    for typed, prompts in ((["a", "b", "c", "open sesame"], 3), ([""], 1), ([None], 1)):
        typist = Typist(*typed)
        with pytest.raises(ConnectError, match="is encrypted"):
            connect(box, typist=typist)
        assert len(typist.prompts) == prompts


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
@pytest.mark.parametrize("form", ["PKCS8", "PEM"])
def test_a_key_may_be_in_any_format(box: Sshd, tmp_path: Path, kind: str, form: str) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-m", form, "-N", "", "-f", key], check=True)
    (box.folder / "authorized_keys").write_text(Path(f"{key}.pub").read_text())
    box.write_config(f"Host box\n  IdentityFile {key}\n")
    assert connect(box) == "reached\n"
    command = ["ssh-keygen", "-q", "-p", "-m", form, "-N", "open sesame", "-f", str(key)]
    subprocess.run(command, check=True, capture_output=True)
    assert connect(box, typist=Typist("open sesame")) == "reached\n"


def test_a_broken_key_is_named_and_skipped(box: Sshd, tmp_path: Path) -> None:
    text = box.identity.read_bytes()
    lines = text.splitlines(keepends=True)
    broken = {
        "empty": b"",
        "junk": b"junk\xff\0",
        "first line": lines[0],
        "no end": b"".join(lines[:-1]),
        "half": b"".join([lines[0], lines[1], lines[-1]]),
        "other bytes": text.replace(lines[2][:20], b"A" * 20),
        "other kind": text.replace(b"OPENSSH", b"RSA"),
        "pkcs8": text.replace(b"OPENSSH ", b""),
        "no base64": lines[0] + b"%%%\n" + lines[-1],
    }
    broken["dek"] = b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----\n"
    for name, content in broken.items():
        key = tmp_path / name
        key.write_bytes(content)
        box.write_config(f'Host box\n  IdentityFile "{key}"\n')
        assert connect(box) == "reached\n", name
        (box.folder / "authorized_keys").rename(tmp_path / "authorized_keys")
        with pytest.raises(ConnectError, match=rf"{name} cannot be used \(.+\)"):
            connect(box)
        (tmp_path / "authorized_keys").rename(box.folder / "authorized_keys")


@pytest.fixture
def authority(box: Sshd, tmp_path: Path) -> Callable[[Path], None]:
    """Makes certificates that the host trusts; it no longer trusts the key of `box` by itself."""
    path = keygen(tmp_path / "authority")
    (box.folder / "authorized_keys").write_text(f"cert-authority {path.with_suffix('.pub').read_text()}")

    def certify(key: Path) -> None:
        me = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
        subprocess.run(["ssh-keygen", "-q", "-s", path, "-I", "test", "-n", me, f"{key}.pub"], check=True)

    return certify


def test_a_certificate_is_used_with_its_key(
    box: Sshd, tmp_path: Path, authority: Callable[[Path], None], agent: Path
) -> None:
    other = keygen(tmp_path / "other")
    authority(other)
    with pytest.raises(ConnectError, match="permission denied"):
        connect(box)
    authority(box.identity)
    stray = f"CertificateFile {other}-cert.pub\n"
    for more in ("", stray):
        box.write_config(more)
        assert connect(box) == "reached\n"
    box.write_config(f"{stray}IdentityAgent {agent}\n")
    subprocess.run(["ssh-keygen", "-q", "-p", "-N", "sesame", "-f", box.identity], check=True, capture_output=True)
    assert connect(box, typist=Typist("sesame")) == "reached\n"
    subprocess.run(["ssh-keygen", "-q", "-p", "-P", "sesame", "-N", "", "-f", box.identity], check=True)
    env = os.environ | {"SSH_AUTH_SOCK": str(agent)}
    subprocess.run(["ssh-add", "-q", box.identity], env=env, check=True)
    box.identity.unlink()
    assert connect(box) == "reached\n"


def test_after_an_untrusted_certificate_the_plain_key_is_tried(
    box: Sshd, tmp_path: Path, authority: Callable[[Path], None]
) -> None:
    authority(box.identity)
    (box.folder / "authorized_keys").write_text(box.identity.with_suffix(".pub").read_text())
    assert connect(box) == "reached\n"
    assert "ED25519-CERT" in box.log


def test_a_refused_login_names_the_methods_that_the_host_accepts(box: Sshd) -> None:
    (box.folder / "authorized_keys").write_text("")
    with pytest.raises(ConnectError, match=r"permission denied \(publickey"):
        connect(box)


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Path]:
    """An ssh-agent without keys; the program `askpass` beside it, which confirms for the user, says no."""
    path = Path(tmp_path / "agent.sock")
    ask = tmp_path / "askpass"
    ask.write_text("#!/bin/sh\nexit 1\n")
    ask.chmod(0o755)
    env = os.environ | {"SSH_ASKPASS": str(ask), "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": "none"}
    process = subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL, env=env)
    end = time.monotonic() + 10
    while not path.exists():
        assert time.monotonic() < end
        time.sleep(0.02)
    yield path
    process.terminate()
    process.wait()


def test_an_agent_logs_in_and_does_not_use_up_the_tries(sshds: Make, agent: Path, tmp_path: Path) -> None:
    box = sshds(lines="MaxAuthTries 3")
    env = os.environ | {"SSH_AUTH_SOCK": str(agent)}
    for number in range(8):
        subprocess.run(["ssh-add", "-q", keygen(tmp_path / f"junk{number}")], env=env, check=True)
    box.write_config(f"IdentityAgent {agent}\nIdentitiesOnly no\n")
    assert connect(box) == "reached\n"
    subprocess.run(["ssh-add", "-q", "-D"], env=env, check=True)
    subprocess.run(["ssh-add", "-q", box.identity], env=env, check=True)
    box.identity.unlink()
    assert connect(box) == "reached\n"


def test_after_a_key_that_the_agent_may_not_use_the_next_is_tried(
    box: Sshd, agent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = os.environ | {"SSH_AUTH_SOCK": str(agent)}
    guarded = keygen(tmp_path / "guarded")
    with (box.folder / "authorized_keys").open("a") as file:
        file.write(guarded.with_suffix(".pub").read_text())
    subprocess.run(["ssh-add", "-q", "-c", guarded], env=env, check=True)
    box.write_config(f"IdentityAgent {agent}\nIdentitiesOnly no\nHost box\n  IdentityFile {guarded}\n")
    guarded.unlink()
    assert connect(box) == "reached\n"
    box.identity.unlink()
    with pytest.raises(ConnectError, match=r"permission denied \(publickey.*SHA256:.*key cannot be used for signing"):
        connect(box)
    (tmp_path / "askpass").write_text("#!/bin/sh\nexec sleep 5\n")
    monkeypatch.setattr(login, "TYPING", 1)
    with pytest.raises(ConnectError, match="the agent did not answer within 1 seconds"):
        connect(box)


def test_a_public_key_selects_one_of_the_agent(box: Sshd, agent: Path, tmp_path: Path) -> None:
    public = tmp_path / "work.pub"
    box.identity.with_suffix(".pub").rename(public)
    env = os.environ | {"SSH_AUTH_SOCK": str(agent)}
    for key in (*(keygen(tmp_path / f"junk{number}") for number in range(8)), box.identity):
        subprocess.run(["ssh-add", "-q", key], env=env, check=True)
    box.identity.unlink()
    box.write_config(f"IdentityAgent {agent}\nIdentitiesOnly yes\nHost box\n  IdentityFile {public}\n")
    assert connect(box) == "reached\n"
    subprocess.run(["ssh-add", "-q", "-D"], env=env, check=True)
    with pytest.raises(ConnectError, match=r"cannot be used \(it is not a private key, and no agent holds"):
        connect(box)


def test_identity_agent_none_disables_the_agent(box: Sshd, agent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", str(agent))
    subprocess.run(["ssh-add", "-q", box.identity], check=True)
    box.identity.unlink()
    assert connect(box) == "reached\n"
    box.write_config("IdentityAgent none\n")
    with pytest.raises(ConnectError, match="permission denied"):
        connect(box)


def test_the_configuration_can_disable_keys(box: Sshd) -> None:
    for line in ("PubkeyAuthentication no", "PreferredAuthentications password,keyboard-interactive"):
        box.write_config(f"{line}\n")
        with pytest.raises(ConnectError, match="permission denied"):
            connect(box)
    assert "Accepted publickey" not in box.log


class _TwoFactors(paramiko.ServerInterface):
    """Takes any key, then a code."""

    def __init__(self) -> None:
        self.keyed = False
        self.codes: list[str] = []

    def get_allowed_auths(self, username: str) -> str:
        return "keyboard-interactive" if self.keyed else "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        self.keyed = True
        return paramiko.common.AUTH_PARTIALLY_SUCCESSFUL

    def check_auth_interactive(self, username: str, submethods: str) -> InteractiveQuery:
        return InteractiveQuery("Two factors", "", ("Code: ", False))

    def check_auth_interactive_response(self, responses: list[str]) -> int:
        self.codes += responses
        return paramiko.common.AUTH_SUCCESSFUL if responses == ["123456"] else paramiko.common.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.common.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        channel.sendall(b"reached\n")
        return True


@contextmanager
def _served(box: Sshd, rules: paramiko.ServerInterface, line: str = "") -> Iterator[None]:
    """A server with those rules in place of `box`, for one connection; `line` comes first in ssh_config."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            transport = paramiko.Transport(listener.accept()[0])
            transport.add_server_key(paramiko.Ed25519Key.from_private_key_file(str(box.host_keys[0])))
            transport.start_server(server=rules)

        threading.Thread(target=serve, daemon=True).start()
        port = listener.getsockname()[1]
        box.write_config(f"{line}Host box\n  Port {port}\n")
        box.known_hosts.write_text(box.known_line(box.host_keys[0], f"[127.0.0.1]:{port}"))
        yield


def test_a_code_is_typed_without_echo(box: Sshd) -> None:
    rules, typist = _TwoFactors(), Typist("123456")
    with _served(box, rules):
        assert connect(box, typist=typist) == "reached\n"
    assert rules.codes == ["123456"]
    assert (typist.lines, typist.prompts) == (["Two factors"], [(f"({USER}@127.0.0.1) Code: ", False)])


class _AllMethods(paramiko.ServerInterface):
    """Accepts nothing, and records every attempt."""

    def __init__(self) -> None:
        self.attempts: list[str] = []

    def get_allowed_auths(self, username: str) -> str:
        return "publickey,password,keyboard-interactive"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        self.attempts.append("publickey")
        return paramiko.common.AUTH_FAILED

    def check_auth_password(self, username: str, password: str) -> int:
        self.attempts.append(f"password {password}")
        return paramiko.common.AUTH_FAILED

    def check_auth_interactive(self, username: str, submethods: str) -> InteractiveQuery:
        return InteractiveQuery("", "", ("Name: ", True), ("Code: ", False))

    def check_auth_interactive_response(self, responses: list[str]) -> int:
        self.attempts.append(f"codes {responses}")
        return paramiko.common.AUTH_FAILED


@pytest.mark.parametrize(
    ("line", "typed", "attempts"),
    [
        (
            "",
            ["ann", "c1", "ann", "c2", "ann", "c3", "p1", "p2", "p3"],
            ["publickey", *(f"codes ['ann', 'c{n}']" for n in (1, 2, 3)), *(f"password p{n}" for n in (1, 2, 3))],
        ),
        ("PreferredAuthentications password,publickey\n", ["secret"], ["password secret", "publickey"]),
        ("PubkeyAuthentication no\n", [None, "code"], ["codes ['', 'code']", "codes ['', '']"]),
    ],
)
def test_methods_are_tried_in_the_configured_order_and_what_is_typed_three_times(
    box: Sshd, line: str, typed: list[str | None], attempts: list[str]
) -> None:
    rules, typist = _AllMethods(), Typist(*typed)
    with _served(box, rules, line), pytest.raises(ConnectError, match="permission denied"):
        connect(box, typist=typist)
    assert rules.attempts == attempts
    codes, passwords = (sum(tried.startswith(kind) for tried in attempts) for kind in ("codes", "password"))
    *asked, last = typist.prompts
    marked = f"({USER}@127.0.0.1) "
    assert asked[: 2 * codes] == [(f"{marked}Name: ", True), (f"{marked}Code: ", False)] * codes
    assert re.fullmatch(r".+@127\.0\.0\.1's password: ", last[0])
    assert last[1] is False
    assert len(typist.prompts) - 2 * codes == min(passwords + 1, 3)
    assert typist.lines == ["Permission denied, please try again."] * len(typist.lines)
    assert len(typist.lines) == max(codes - 1, 0) + min(passwords, 2)


@pytest.mark.parametrize("error", [EOFError(), OSError(32, "Broken pipe")])
def test_a_host_may_hang_up_after_the_last_method(box: Sshd, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def auth_none(transport: paramiko.Transport, user: str) -> list[str]:
        raise error

    monkeypatch.setattr(paramiko.Transport, "auth_none", auth_none)
    with _served(box, _AllMethods()), pytest.raises(ConnectError, match=r"permission denied \(it hung up\)"):
        connect(box)


def test_a_given_password_answers_only_hidden_prompts_for_a_password(box: Sshd) -> None:
    rules = _AllMethods()
    with _served(box, rules, "PubkeyAuthentication no\n"), pytest.raises(ConnectError, match="permission denied"):
        connect(box, password="given")
    assert rules.attempts == ["codes ['', '']", "password given"]


def test_batch_mode_asks_nothing(box: Sshd) -> None:
    rules, typist = _AllMethods(), Typist("ann", "code", "secret")
    with _served(box, rules, "BatchMode yes\n"), pytest.raises(ConnectError, match="permission denied"):
        connect(box, typist=typist)
    assert (rules.attempts, typist.prompts) == (["publickey"], [])


def test_control_d_at_a_password_is_a_refused_login(box: Sshd) -> None:
    typist = Typist(None)
    box.write_config("PreferredAuthentications password\n")
    with pytest.raises(ConnectError, match=r"permission denied \(publickey,password"):
        connect(box, typist=typist)
    assert len(typist.prompts) == 1


def test_a_silent_host_is_given_up(box: Sshd) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        box.write_config(f"Host box\n  Port {silent.getsockname()[1]}\n  ConnectTimeout 1\n")
        with pytest.raises(ConnectError, match="did not speak SSH within 1 seconds"):
            connect(box)


class _Slow(paramiko.ServerInterface):
    """Considers a key for longer than any client waits, and rejects it."""

    def __init__(self) -> None:
        self.done = threading.Event()

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        self.done.wait(60)
        return paramiko.common.AUTH_FAILED


def test_an_unanswered_login_is_given_up(box: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = _Slow()
    monkeypatch.setattr(connection, "LOGIN", 0.5)
    other = keygen(tmp_path / "other")
    with _served(box, rules, f"ConnectTimeout 1\nIdentityFile {other}\n"):
        try:
            with pytest.raises(ConnectError, match="no answer to the login within 1 seconds"):
                connect(box)
        finally:
            rules.done.set()


class _Hangs(paramiko.ServerInterface):
    """Accepts every key, and then hangs at a given point."""

    def __init__(self, point: str) -> None:
        self.point = point
        self.done = threading.Event()

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        return paramiko.common.AUTH_SUCCESSFUL

    def check_channel_request(self, kind: str, chanid: int) -> int:
        if self.point == "channel":
            self.done.wait(60)
        return paramiko.common.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        if self.point == "command":
            self.done.wait(60)
        return True


@pytest.mark.parametrize("point", ["channel", "command", "output"])
def test_a_host_that_hangs_after_the_login_is_given_up(box: Sshd, point: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "SHELL", 1.0)
    rules = _Hangs(point)
    with _served(box, rules):
        there = There("box", parse_host("box"), SshOptions(config=str(box.config)))
        began = time.monotonic()
        try:
            words = r"connection was cut|Timeout opening channel|login shell ran no program within 1 seconds"
            with pytest.raises((HostError, ConnectError), match=words):
                list(there.talk(b"true\n", 1.0))
        finally:
            rules.done.set()
            there.close()
    assert time.monotonic() - began < 30


class _Asked(paramiko.ServerInterface):
    """Runs a program or does not, and notes whether it came without waiting for that answer."""

    def __init__(self, *, runs: bool) -> None:
        self.runs = runs
        self.sent_on = False

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        return paramiko.common.AUTH_SUCCESSFUL

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.common.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        self.sent_on = bool(select.select([channel.get_transport().sock], [], [], 20)[0])
        threading.Timer(0.2, channel.close).start()
        return self.runs


def test_a_program_is_sent_before_the_host_says_that_it_runs_it(box: Sshd) -> None:
    rules = _Asked(runs=True)
    with _served(box, rules), closing(There("box", parse_host("box"), SshOptions(config=str(box.config)))) as there:
        assert list(there.talk(b"true\n", 20.0)) == []
    assert rules.sent_on


def test_a_host_that_refuses_to_run_a_program_says_so(box: Sshd) -> None:
    with (
        _served(box, _Asked(runs=False)),
        closing(There("box", parse_host("box"), SshOptions(config=str(box.config)))) as there,
        pytest.raises(ConnectError, match=r"^it refused to run a program"),
    ):
        list(there.talk(b"true\n", 20.0))


def test_a_host_that_hangs_up_refuses_or_does_not_resolve(box: Sshd) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=lambda: listener.accept()[0].close(), daemon=True).start()
        box.write_config(f"Host box\n  Port {listener.getsockname()[1]}\n")
        with pytest.raises(ConnectError, match=r"it hung up before speaking SSH|connection reset"):
            connect(box)
    box.write_config(f"Host box\n  Port {free_port()}\n")
    with pytest.raises(ConnectError, match="connection refused"):
        connect(box)
    box.write_config("Host box\n  HostName nowhere.invalid\n")
    with pytest.raises(ConnectError, match="the name does not resolve"):
        connect(box)
    box.write_config("Host box\n  HostName no..where\n")
    with pytest.raises(ConnectError, match=r"the name does not resolve \(it is not a valid DNS name\)"):
        connect(box)
    box.config.write_text("Nonsense here\n")
    with pytest.raises(ConnectError, match=r"ssh_config: .*ssh_config: line 1: Bad configuration option: nonsense"):
        connect(box)


def test_small_packets_are_sent_at_once(box: Sshd) -> None:
    with opened(box) as made:
        assert isinstance(made.transport.sock, socket.socket)
        assert made.transport.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.fixture
def public_paramiko(monkeypatch: pytest.MonkeyPatch) -> None:
    """A paramiko without the private names that nbfab uses where they exist."""
    monkeypatch.setattr(transport, "AuthHandler", object)
    monkeypatch.setattr(login, "AgentSSH", object)


def test_a_key_is_offered_at_once(box: Sshd) -> None:
    with opened(box) as made:
        assert isinstance(made.transport.auth_handler, transport._Eager)


@pytest.mark.usefixtures("public_paramiko")
def test_without_private_names_of_paramiko_a_key_file_logs_in(box: Sshd) -> None:
    assert not transport.can_hurry()
    with opened(box) as made:
        assert not isinstance(made.transport.auth_handler, transport._Eager)
    assert connect(box) == "reached\n"


@pytest.mark.usefixtures("public_paramiko")
def test_without_private_names_of_paramiko_the_agent_of_the_environment_logs_in(
    box: Sshd, agent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", str(agent))
    subprocess.run(["ssh-add", "-q", box.identity], check=True)
    box.identity.unlink()
    assert connect(box) == "reached\n"
    box.write_config(f"IdentityAgent {agent.with_name('another.sock')}\n")
    with pytest.raises(ConnectError, match="permission denied"):
        connect(box)


def test_a_login_shell_that_ends_before_it_reads_is_quoted(sshds: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    box = sshds(lines="ForceCommand echo no shell for you")
    send = paramiko.Channel.sendall

    def late(channel: paramiko.Channel, data: bytes) -> None:
        wait_until(lambda: channel.closed, "the program to end")
        send(channel, data)

    monkeypatch.setattr(paramiko.Channel, "sendall", late)
    there = There("box", parse_host("box"), SshOptions(config=str(box.config)))
    assert b"no shell for you\n" in b"".join(there.talk(b"true", 20))
    there.close()
