"""Connections over SSH, against real servers: who is trusted, by which way, and what is said when it fails."""

import io
import os
import re
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import fabric
import paramiko
import pytest
from paramiko.server import InteractiveQuery
from sshd import Sshd, free_port, keygen, wait_until

from nbfab import ssh, ssh_auth
from nbfab.errors import ConnectError, HostKeyError, UsageError
from nbfab.host import There
from nbfab.ssh import Connection

Make = Callable[..., Sshd]


@pytest.fixture
def sshds(tmp_path: Path) -> Iterator[Make]:
    """Makes servers, each in a folder of its own."""
    with ExitStack() as stack:
        numbers = iter(range(100))
        yield lambda **options: stack.enter_context(Sshd(tmp_path / f"sshd{next(numbers)}", **options))


@pytest.fixture
def box(sshds: Make) -> Sshd:
    return sshds()


def connect(box: Sshd, name: str = "box", **options: Any) -> str:
    """What a command prints over a new connection, which is closed then."""
    config = fabric.Config(lazy=True)
    config.set_runtime_ssh_path(str(box.config))
    with Connection(name, config, interactive=options.pop("interactive", False), **options) as connection:
        connection.open()
        assert connection.is_connected
        channel = connection.create_session()
        channel.settimeout(20)
        channel.exec_command("echo reached")
        return bytes(channel.recv(100)).decode()


def fingerprint(key: Path) -> str:
    told = subprocess.run(
        ["ssh-keygen", "-lf", key.with_suffix(".pub")], capture_output=True, text=True, check=True
    ).stdout
    return told.split()[1]


def test_a_host_that_is_known(box: Sshd) -> None:
    assert connect(box) == "reached\n"


def test_an_unknown_host_is_refused_with_its_fingerprint(box: Sshd) -> None:
    box.known_hosts.write_text("")
    with pytest.raises(HostKeyError, match=re.escape(fingerprint(box.host_keys[0]))) as error:
        connect(box)
    assert "--accept-new-host-key" in error.value.hint
    assert box.known_hosts.read_text() == ""
    assert "Accepted publickey" not in box.log


@pytest.mark.parametrize("before", ["", "# no end of line", "other.example ssh-ed25519 AAAA\n"])
@pytest.mark.parametrize("hashed", [False, True])
def test_a_new_key_is_recorded_where_that_is_asked_for(box: Sshd, before: str, hashed: bool) -> None:
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
    with pytest.raises(HostKeyError, match="somebody is in between") as error:
        connect(box, accept_new=accept_new)
    assert "ssh-keygen -R" in error.value.hint
    assert box.known_hosts.read_text() == before
    assert "Accepted publickey" not in box.log


def test_what_openssh_would_find_is_found(box: Sshd, tmp_path: Path) -> None:
    key, other = box.host_keys[0], keygen(tmp_path / "other")
    hashed = tmp_path / "hashed"
    hashed.write_text(box.known_line(key))
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", hashed], check=True, capture_output=True)
    good = {
        "hashed": hashed.read_text(),
        "wildcard": box.known_line(key, "[127.0.*]:*"),
        "two keys": box.known_line(other) + box.known_line(key),
        "without the port": box.known_line(key, "127.0.0.1"),
        "garbage beside": "x y z\n[127.0.0.1]:1 ssh-rsa @@@\n" + box.known_line(key),
        "an authority beside": "@cert-authority " + box.known_line(other) + box.known_line(key),
        "capitals": box.known_line(key, f"[127.0.0.1]:{box.port},Example.ORG"),
    }
    good["another without the port"] = box.known_line(key) + box.known_line(other, "127.0.0.1")
    for name, text in good.items():
        box.known_hosts.write_text(text)
        assert connect(box) == "reached\n", name
    bad = {
        "negated": (box.known_line(key, f"[127.0.0.1]:*,![127.0.0.1]:{box.port}"), "is not known"),
        "revoked": ("@revoked " + box.known_line(key), "is revoked"),
        "revoked beside": (box.known_line(key) + "@revoked " + box.known_line(key), "is revoked"),
        "another with the port": (box.known_line(other) + box.known_line(key, "127.0.0.1"), "somebody is in between"),
        "an authority only": ("@cert-authority " + box.known_line(key), "only a certificate authority"),
    }
    for text, words in bad.values():
        box.known_hosts.write_text(text)
        with pytest.raises(HostKeyError, match=words):
            connect(box)


def test_a_name_without_the_port_can_only_confirm_a_key(box: Sshd, tmp_path: Path) -> None:
    box.known_hosts.write_text(box.known_line(keygen(tmp_path / "other"), "127.0.0.1"))
    with pytest.raises(HostKeyError, match="is not known"):
        connect(box)
    assert connect(box, accept_new=True) == "reached\n"
    assert connect(box) == "reached\n"
    assert len(box.known_hosts.read_text().splitlines()) == 2


def test_a_key_that_is_listed_as_revoked_is_refused(box: Sshd, tmp_path: Path) -> None:
    own, other = box.host_keys[0].with_suffix(".pub"), keygen(tmp_path / "other").with_suffix(".pub")
    plain = tmp_path / "revoked keys"
    box.write_config(f'RevokedHostKeys "{plain}"\n')
    with pytest.raises(HostKeyError, match="cannot be looked for in RevokedHostKeys"):
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
    with pytest.raises(HostKeyError, match=r"cannot be looked for in RevokedHostKeys: .*KRL"):
        connect(box)
    assert box.log.count("Accepted publickey") == 2


def test_the_key_on_record_is_the_one_that_is_asked_for(sshds: Make) -> None:
    box = sshds(kinds=("ed25519", "ecdsa", "rsa"))
    for key in box.host_keys:
        box.trust(key)
        assert connect(box) == "reached\n"


def test_host_key_algorithms_limit_what_is_asked_for(sshds: Make) -> None:
    box = sshds(kinds=("ed25519", "ecdsa", "rsa"))
    box.write_config("HostKeyAlgorithms rsa-sha2-256,ecdsa-sha2-nistp256\n")
    assert connect(box) == "reached\n"
    assert "server host key algorithm: rsa-sha2-256" in box.log or "host key algorithm: rsa-sha2-256" in box.log
    box.trust(box.host_keys[1])
    assert connect(box) == "reached\n"
    box.trust(box.host_keys[0])
    with pytest.raises(HostKeyError, match="somebody is in between"):
        connect(box)
    box.write_config("HostKeyAlgorithms sk-ssh-ed25519@openssh.com\n")
    with pytest.raises(ConnectError, match="HostKeyAlgorithms leaves none"):
        connect(box)


def test_an_address_is_of_the_family_and_from_the_address_that_are_set(box: Sshd) -> None:
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
Match host 127.0.0.1 user nobody-else
  User wrong
Match originalhost far
  HostKeyAlias The-Alias
  UserKnownHostsFile "{spaced}"
  IdentityFile {tmp_path}/missing
  IdentityFile ${{HOME}}/missing-too
"""
    box.write_config(more)
    assert connect(box, "FAR".lower()) == "reached\n"
    with pytest.raises(HostKeyError, match="is not known"):
        connect(box)


def test_jump_hosts_come_in_openssh_s_order(sshds: Make) -> None:
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


def test_a_proxy_command_is_a_line_for_the_shell(box: Sshd) -> None:
    box.write_config("Host box\n  ProxyCommand socat - TCP:%h:%p 2>/dev/null || exit 3\n")
    assert connect(box) == "reached\n"
    box.write_config("Host box\n  ProxyCommand sh -c 'echo the tunnel is closed >&2; exit 1'\n")
    with pytest.raises(ConnectError, match="sh says: the tunnel is closed"):
        connect(box)


def test_a_proxy_command_with_an_odd_end_is_told_in_the_words_of_sh(box: Sshd) -> None:
    box.write_config("Host box\n  ProxyCommand echo it is closed >&2; \\\n")
    with pytest.raises(ConnectError, match="ProxyCommand says: "):
        connect(box)


def test_a_jump_host_may_be_named_by_tokens(sshds: Make) -> None:
    jump, last = sshds(), sshds()
    last.write_config(
        f"Host jump-box\n  HostName 127.0.0.1\n  Port {jump.port}\n  IdentityFile {jump.identity}\n"
        "Host box\n  ProxyJump %r@jump-%n\n"
    )
    last.known_hosts.write_text("".join(host.known_line(host.host_keys[0]) for host in (jump, last)))
    assert connect(last) == "reached\n"
    assert jump.connections == 1


@pytest.mark.parametrize("seconds", [-1, 0, float("nan"), 1e300, "soon"])
def test_a_time_that_nobody_can_wait_is_named(box: Sshd, seconds: object) -> None:
    for given in ({"connect_kwargs": {"timeout": seconds}}, {"timeouts": {"connect": seconds}}):
        config = fabric.Config(overrides=given, lazy=True)
        config.set_runtime_ssh_path(str(box.config))
        with pytest.raises(UsageError, match=re.escape(repr(seconds))):
            Connection("box", config)


def test_an_encrypted_key_is_asked_for_or_named(box: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subprocess.run(["ssh-keygen", "-q", "-p", "-N", "open sesame", "-f", box.identity], check=True, capture_output=True)
    with pytest.raises(ConnectError, match="is encrypted") as error:
        connect(box)
    assert error.value.hint == f"ssh-add {box.identity}"
    asked: list[str] = []

    def getpass(prompt: str) -> str:
        asked.append(prompt)
        return "open sesame"

    monkeypatch.setattr(ssh_auth.getpass, "getpass", getpass)
    assert connect(box, interactive=True) == "reached\n"
    assert asked == [f"Passphrase for {box.identity}: "]


def test_a_passphrase_may_be_mistyped_twice(box: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    subprocess.run(["ssh-keygen", "-q", "-p", "-N", "open sesame", "-f", box.identity], check=True, capture_output=True)
    typed = iter(["sesame", "open", "open sesame"])
    monkeypatch.setattr(ssh_auth.getpass, "getpass", lambda prompt: next(typed))
    assert connect(box, interactive=True) == "reached\n"
    box.write_config("PreferredAuthentications publickey\n")
    typed = iter(["a", "b", "c"])
    with pytest.raises(ConnectError, match="is encrypted"):
        connect(box, interactive=True)
    assert next(typed, None) is None

    def control_d(prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr(ssh_auth.getpass, "getpass", control_d)
    with pytest.raises(ConnectError, match="is encrypted"):
        connect(box, interactive=True)


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
@pytest.mark.parametrize("form", ["PKCS8", "PEM"])
def test_a_key_may_be_of_any_form(box: Sshd, tmp_path: Path, kind: str, form: str, monkeypatch: Any) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-m", form, "-N", "", "-f", key], check=True)
    (box.folder / "authorized_keys").write_text(Path(f"{key}.pub").read_text())
    box.write_config(f"Host box\n  IdentityFile {key}\n")
    assert connect(box) == "reached\n"
    command = ["ssh-keygen", "-q", "-p", "-m", form, "-N", "open sesame", "-f", str(key)]
    subprocess.run(command, check=True, capture_output=True)
    monkeypatch.setattr(ssh_auth.getpass, "getpass", lambda prompt: "open sesame")
    assert connect(box, interactive=True) == "reached\n"


def test_a_broken_key_is_named_and_passed_over(box: Sshd, tmp_path: Path) -> None:
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
    box: Sshd, tmp_path: Path, authority: Callable[[Path], None], agent: Path, monkeypatch: pytest.MonkeyPatch
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
    monkeypatch.setattr(ssh_auth.getpass, "getpass", lambda prompt: "sesame")
    assert connect(box, interactive=True) == "reached\n"
    subprocess.run(["ssh-keygen", "-q", "-p", "-P", "sesame", "-N", "", "-f", box.identity], check=True)
    env = os.environ | {"SSH_AUTH_SOCK": str(agent)}
    subprocess.run(["ssh-add", "-q", box.identity], env=env, check=True)
    box.identity.unlink()
    assert connect(box) == "reached\n"


def test_a_certificate_that_the_host_does_not_trust_leaves_the_key(
    box: Sshd, tmp_path: Path, authority: Callable[[Path], None]
) -> None:
    authority(box.identity)
    (box.folder / "authorized_keys").write_text(box.identity.with_suffix(".pub").read_text())
    assert connect(box) == "reached\n"
    assert "ED25519-CERT" in box.log


def test_a_key_that_is_refused_names_what_would_do(box: Sshd, tmp_path: Path) -> None:
    (box.folder / "authorized_keys").write_text("")
    with pytest.raises(ConnectError, match=r"permission denied \(publickey"):
        connect(box)


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Path]:
    """An ssh-agent with nothing in it yet; whom it asks, the program `askpass` beside it, says no."""
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


def test_a_key_that_the_agent_may_not_use_leaves_the_next_one(
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
    monkeypatch.setattr(ssh_auth, "TYPING", 1)
    with pytest.raises(ConnectError, match="the agent did not answer within 1 seconds"):
        connect(box)


def test_a_public_key_names_one_of_the_agent(box: Sshd, agent: Path, tmp_path: Path) -> None:
    public = tmp_path / "work.pub"
    box.identity.with_suffix(".pub").rename(public)
    env = os.environ | {"SSH_AUTH_SOCK": str(agent)}
    for key in (*(keygen(tmp_path / f"junk{number}") for number in range(8)), box.identity):
        subprocess.run(["ssh-add", "-q", key], env=env, check=True)
    box.identity.unlink()
    box.write_config(f"IdentityAgent {agent}\nIdentitiesOnly yes\nHost box\n  IdentityFile {public}\n")
    assert connect(box) == "reached\n"
    subprocess.run(["ssh-add", "-q", "-D"], env=env, check=True)
    with pytest.raises(ConnectError, match=r"cannot be used \(it is no private key, and no agent has"):
        connect(box)


def test_no_agent_is_used_where_the_configuration_says_so(
    box: Sshd, agent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", str(agent))
    subprocess.run(["ssh-add", "-q", box.identity], check=True)
    box.identity.unlink()
    assert connect(box) == "reached\n"
    box.write_config("IdentityAgent none\n")
    with pytest.raises(ConnectError, match="permission denied"):
        connect(box)


def test_keys_are_not_used_where_the_configuration_says_so(box: Sshd) -> None:
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
    """A server with those rules, which `box` leads to now, for one connection; `line` is the first of ssh_config."""
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


def test_a_code_is_asked_for_without_an_echo(box: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = _TwoFactors()
    with _served(box, rules):
        monkeypatch.setattr("builtins.input", lambda prompt="": pytest.fail("the code would be seen on the screen"))
        monkeypatch.setattr(ssh_auth.getpass, "getpass", lambda prompt: "123456")
        assert connect(box, interactive=True) == "reached\n"
    assert rules.codes == ["123456"]


class _AllWays(paramiko.ServerInterface):
    """Takes nothing, and keeps what it was shown."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def get_allowed_auths(self, username: str) -> str:
        return "publickey,password,keyboard-interactive"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        self.shown.append("publickey")
        return paramiko.common.AUTH_FAILED

    def check_auth_password(self, username: str, password: str) -> int:
        self.shown.append(f"password {password}")
        return paramiko.common.AUTH_FAILED

    def check_auth_interactive(self, username: str, submethods: str) -> InteractiveQuery:
        return InteractiveQuery("", "", ("Name: ", True), ("Code: ", False))

    def check_auth_interactive_response(self, responses: list[str]) -> int:
        self.shown.append(f"codes {responses}")
        return paramiko.common.AUTH_FAILED


@pytest.mark.parametrize(
    ("line", "typed", "shown"),
    [
        ("", "ann\n", ["publickey", "codes ['ann', 'secret']", "password secret"]),
        ("PreferredAuthentications password,publickey\n", "", ["password secret", "publickey"]),
        ("PubkeyAuthentication no\n", "", ["codes ['', 'secret']", "password secret"]),
    ],
)
def test_ways_to_log_in_come_in_the_order_that_is_set(
    box: Sshd, line: str, typed: str, shown: list[str], monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    rules = _AllWays()
    with _served(box, rules, line):
        monkeypatch.setattr(ssh_auth.getpass, "getpass", lambda prompt: "secret")
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        with pytest.raises(ConnectError, match="permission denied"):
            connect(box, interactive=True)
    assert rules.shown == shown
    said = capsys.readouterr()
    assert said.out == ""
    assert ("Name: " in said.err) == any(words.startswith("codes") for words in shown)


def test_control_d_at_a_password_is_a_login_that_was_refused(box: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    def control_d(prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr(ssh_auth.getpass, "getpass", control_d)
    box.write_config("PreferredAuthentications password\n")
    with pytest.raises(ConnectError, match=r"permission denied \(publickey,password"):
        connect(box, interactive=True)


def test_a_host_that_says_nothing_is_given_up(box: Sshd) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        box.write_config(f"Host box\n  Port {silent.getsockname()[1]}\n  ConnectTimeout 1\n")
        with pytest.raises(ConnectError, match="says nothing that is SSH within 1 seconds"):
            connect(box)


class _Slow(paramiko.ServerInterface):
    """Thinks about a key for longer than anybody waits, and takes none."""

    def __init__(self) -> None:
        self.over = threading.Event()

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        self.over.wait(60)
        return paramiko.common.AUTH_FAILED


def test_a_login_that_is_not_answered_is_given_up(box: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = _Slow()
    monkeypatch.setattr(ssh, "LOGIN", 0.5)
    other = keygen(tmp_path / "other")
    with _served(box, rules, f"ConnectTimeout 1\nIdentityFile {other}\n"):
        try:
            with pytest.raises(ConnectError, match="no answer to the login within 1 seconds"):
                connect(box)
        finally:
            rules.over.set()


class _Hangs(paramiko.ServerInterface):
    """Lets everybody in, and then gets stuck at some point."""

    def __init__(self, point: str) -> None:
        self.point = point
        self.over = threading.Event()

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        return paramiko.common.AUTH_SUCCESSFUL

    def check_channel_request(self, kind: str, chanid: int) -> int:
        if self.point == "channel":
            self.over.wait(60)
        return paramiko.common.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        if self.point == "command":
            self.over.wait(60)
        return True


@pytest.mark.parametrize("point", ["channel", "command", "output"])
def test_a_host_that_hangs_after_the_login_is_given_up(box: Sshd, point: str) -> None:
    rules = _Hangs(point)
    config = fabric.Config(lazy=True)
    config.set_runtime_ssh_path(str(box.config))
    with _served(box, rules):
        host = There("box", lambda: Connection("box", config, interactive=False))
        began = time.monotonic()
        try:
            with pytest.raises((TimeoutError, ConnectError), match=r"^$|connection was cut|Timeout opening channel"):
                list(host.talk(b"true\n", 1.0))
        finally:
            rules.over.set()
            host.close()
    assert time.monotonic() - began < 30


def test_what_a_login_shell_says_is_read_although_it_ended_before_the_program_was_sent(
    sshds: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = sshds(shell="/usr/sbin/nologin")
    config = fabric.Config(lazy=True)
    config.set_runtime_ssh_path(str(box.config))
    sendall = paramiko.Channel.sendall

    def late(channel: paramiko.Channel, program: bytes) -> None:
        wait_until(lambda: channel.closed, "the login shell to end")
        sendall(channel, program)

    monkeypatch.setattr(paramiko.Channel, "sendall", late)
    host = There("box", lambda: Connection("box", config, interactive=False))
    try:
        assert b"This account is currently not available." in b"".join(host.talk(b"true\n", 20.0))
    finally:
        host.close()


def test_a_host_that_hangs_up_refuses_or_has_no_name(box: Sshd) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=lambda: listener.accept()[0].close(), daemon=True).start()
        box.write_config(f"Host box\n  Port {listener.getsockname()[1]}\n")
        with pytest.raises(ConnectError, match=r"hung up before it said anything that is SSH|connection reset"):
            connect(box)
    box.write_config(f"Host box\n  Port {free_port()}\n")
    with pytest.raises(ConnectError, match="connection refused"):
        connect(box)
    box.write_config("Host box\n  HostName nowhere.invalid\n")
    with pytest.raises(ConnectError, match="the name does not resolve"):
        connect(box)
    box.write_config("Host box\n  HostName no..where\n")
    with pytest.raises(ConnectError, match="the name does not resolve"):
        connect(box)
    box.config.write_text("Nonsense here\n")
    with pytest.raises(ConnectError, match=r"ssh_config: .*Nonsense|bad configuration"):
        connect(box)


def test_small_packets_are_sent_at_once(box: Sshd) -> None:
    config = fabric.Config(lazy=True)
    config.set_runtime_ssh_path(str(box.config))
    with Connection("box", config) as connection:
        connection.open()
        assert connection.transport.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
