"""ssh_config counts as it does for OpenSSH, against real servers: algorithms, sizes, tokens, and its mistakes."""

import base64
import re
import subprocess
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from sshd import Sshd, keygen

from nbfab.errors import ConnectError, HostError, HostKeyError, Incompatible
from nbfab.fix import again
from nbfab.names import parse_host
from nbfab.ssh import connection, host, host_keys
from nbfab.ssh.connection import Connection
from nbfab.ssh.host import There
from nbfab.ssh.needs import needs_openssh
from nbfab.ssh.options import SshOptions
from nbfab.ssh.route import parse_route, resolve
from nbfab.ssh.transport import PromptSocket

Make = Callable[..., Sshd]


def connect(box: Sshd, **options: Any) -> None:
    """Logs in."""
    with Connection(parse_host("box"), SshOptions(config=str(box.config), **options)) as made:
        made.open()
        assert made.is_connected


def ssh(box: Sshd) -> subprocess.CompletedProcess[str]:
    """What OpenSSH's own client makes of it."""
    command = ["ssh", "-F", str(box.config), "-o", "BatchMode=yes", "box", "true"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", ["curve25519-sha256", "curve25519-sha256@libssh.org"])
@pytest.mark.parametrize("here", [False, True])
def test_curve25519_has_two_names(sshds: Make, name: str, here: bool) -> None:
    box = sshds(lines="" if here else f"KexAlgorithms {name}")
    box.write_config(f"KexAlgorithms {name}\n" if here else "")
    connect(box)


@pytest.mark.parametrize(
    ("host_has", "config_has", "kind"),
    [
        ("KexAlgorithms curve25519-sha256", "KexAlgorithms ecdh-sha2-nistp256", "key exchange"),
        ("Ciphers aes256-cbc", "", "cipher"),
        ("Ciphers aes256-ctr", "Ciphers aes128-ctr", "cipher"),
        ("MACs hmac-sha2-512", "MACs hmac-sha2-256\nCiphers aes128-ctr", "MAC"),
        ("", "HostKeyAlgorithms ecdsa-sha2-nistp256", "type of host key"),
    ],
)
def test_an_algorithm_that_ssh_config_lacks_is_added_by_the_fix(
    sshds: Make, host_has: str, config_has: str, kind: str
) -> None:
    box = sshds(lines=host_has)
    box.write_config(f"{config_has}\n")
    with pytest.raises(
        ConnectError, match=rf"no {kind} in common: the host offers .+; ssh_config \(\w+\) allows"
    ) as error:
        connect(box)
    assert ssh(box).returncode == 255
    fix = re.fullmatch(r"in ssh_config: ((\w+) \+(\S+))", error.value.hint)
    assert fix, error.value.hint
    box.write_config(f"{fix[2]} {fix[3]}\n" if config_has else f"{fix[1]}\n")
    connect(box)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("KexAlgorithms sntrup761x25519-sha512@openssh.com", "key exchange"),
        ("Ciphers chacha20-poly1305@openssh.com", "cipher"),
        ("MACs umac-128-etm@openssh.com\nCiphers aes128-ctr", "MAC"),
    ],
)
def test_an_algorithm_that_paramiko_lacks_is_added_on_the_host_by_the_fix(sshds: Make, line: str, kind: str) -> None:
    with pytest.raises(Incompatible, match=rf"no {kind} in common: the host offers .+; nbfab has ") as error:
        connect(sshds(lines=line))
    fix = re.fullmatch(r"on the host, add to its sshd_config: (\w+) \+(\S+)", error.value.hint)
    assert fix, error.value.hint
    connect(sshds(lines=line.replace(f"{fix[1]} ", f"{fix[1]} {fix[2]},")))


def test_no_algorithm_is_used_that_ssh_config_excludes(sshds: Make) -> None:
    box = sshds(lines="LogLevel DEBUG2")
    box.write_config(
        "Ciphers aes256-gcm@openssh.com,aes256-ctr\nMACs hmac-sha2-512\nKexAlgorithms ecdh-sha2-nistp384\n"
    )
    connect(box)
    assert "kex: algorithm: ecdh-sha2-nistp384" in box.log
    assert "cipher: aes256-gcm@openssh.com" in box.log


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ("KnownHostsCommand /bin/cat /etc/hosts", "KnownHostsCommand"),
        ("PKCS11Provider /usr/lib/token.so", "PKCS11Provider"),
        ("PKCS11Provider /usr/lib/token.so\nPubkeyAuthentication no", ""),
        ("BindInterface lo", "BindInterface"),
        ("KexAlgorithms sntrup761x25519-sha512@openssh.com", "KexAlgorithms leaves nothing"),
        ("Ciphers chacha20-poly1305@openssh.com", "Ciphers leaves nothing"),
        ("MACs umac-64@openssh.com", "MACs leaves nothing"),
        ("PubkeyAcceptedAlgorithms sk-ssh-ed25519@openssh.com", "PubkeyAcceptedAlgorithms leaves nothing"),
        ("HostKeyAlgorithms ssh-ed25519-cert-v01@openssh.com", "HostKeyAlgorithms leaves nothing"),
        ("RequiredRSASize 4096\nCheckHostIP yes\nCiphers aes128-ctr,chacha20-poly1305@openssh.com", ""),
    ],
)
def test_what_only_openssh_can_do_is_named_and_refused(box: Sshd, lines: str, reason: str) -> None:
    box.write_config(f"{lines}\n")
    said = needs_openssh(resolve(parse_host("box"), str(box.config)))
    assert said.startswith(reason) if reason else not said
    if reason:
        with pytest.raises(ConnectError, match=f"^{reason}"):
            connect(box)
        with pytest.raises(ConnectError, match=f"only OpenSSH itself can do what ssh_config wants: {reason}"):
            connect(box, transport="paramiko")
        assert box.connections == 0


def test_an_rsa_key_of_the_host_has_the_required_size(sshds: Make) -> None:
    box = sshds(kinds=("rsa",))
    box.write_config("RequiredRSASize 3072\n")
    connect(box)
    box.write_config("RequiredRSASize 3073\n")
    with pytest.raises(HostKeyError, match="has 3072 bits; RequiredRSASize is 3073"):
        connect(box)
    assert "Invalid key length" in ssh(box).stderr


def test_keys_that_ssh_config_rules_out_are_not_offered(box: Sshd, tmp_path: Path) -> None:
    key = keygen(tmp_path / "rsa", "rsa")
    (box.folder / "authorized_keys").write_text(
        Path(f"{key}.pub").read_text() + Path(f"{box.identity}.pub").read_text()
    )
    for more, reason in (
        ("RequiredRSASize 3073", "has 3072 bits; RequiredRSASize is 3073"),
        ("PubkeyAcceptedAlgorithms ssh-ed25519", "ssh-rsa SHA256:.* is not among PubkeyAcceptedAlgorithms"),
        ("PubkeyAcceptedAlgorithms rsa-sha2-256", ""),
    ):
        box.write_config(f"{more}\nHost box\n  Port {box.port}\n  HostName 127.0.0.1\n  IdentityFile {key}\n")
        text = box.config.read_text()
        box.config.write_text(text.replace(f"  IdentityFile {box.identity}\n", ""))
        if reason:
            with pytest.raises(ConnectError, match=reason):
                connect(box)
        else:
            connect(box)
            assert "Accepted publickey" in box.log
        assert ssh(box).returncode == (255 if reason else 0)


def test_a_private_key_that_others_can_use_is_not_used(box: Sshd) -> None:
    box.identity.chmod(0o640)
    with pytest.raises(ConnectError, match="others can use it, so OpenSSH refuses it too: chmod 600"):
        connect(box)
    assert ssh(box).returncode == 255


def test_the_paths_of_keys_have_all_tokens_of_openssh(box: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYS", str(box.folder))
    name = "id-%L-%l-%C-%k-%h-%p-%r-%u-%i-%n-%%d"
    box.write_config(f"Host box\n  HostKeyAlias other\n  IdentityFile ${{KEYS}}/{name}\n")
    text = box.config.read_text()
    box.config.write_text(text.replace(f"  IdentityFile {box.identity}\n", "") + f"\nIdentityFile {box.folder}/none\n")
    box.known_hosts.write_text(box.known_line(box.host_keys[0], "other"))
    found = resolve(parse_host("box"), str(box.config)).identities[0]
    box.identity.rename(found)
    assert ssh(box).returncode == 0, "OpenSSH makes another path of it"
    connect(box)
    for wrong in ("%Q", "${NO_SUCH}"):
        box.config.write_text(f"Host box\n  HostName 127.0.0.1\n  IdentityFile /x/{wrong}\n")
        with pytest.raises(ConnectError, match=rf"ssh_config: /x/.*{re.escape(wrong)} has no value"):
            connect(box)
        assert ssh(box).returncode == 255


def test_the_order_of_host_key_algorithms_in_ssh_config_counts(sshds: Make) -> None:
    box = sshds(kinds=("ed25519", "ecdsa"))
    box.trust(box.host_keys[1])
    connect(box)  # the type on record is asked for first
    box.trust(box.host_keys[0])
    box.write_config("HostKeyAlgorithms ^ecdsa-sha2-nistp256\n")
    with pytest.raises(HostKeyError, match="someone is intercepting"):
        connect(box)
    assert ssh(box).returncode == 255


def test_a_global_file_has_no_variables(box: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KNOWN", str(box.known_hosts))
    box.config.write_text(f"GlobalKnownHostsFile ${{KNOWN}}\nUserKnownHostsFile none\n{box.config.read_text()}")
    with pytest.raises(HostKeyError, match="is not known"):
        connect(box)
    assert ssh(box).returncode == 255


def test_tokens_are_expanded_once(box: Sshd) -> None:
    known = box.folder / "100%d"
    known.write_text(box.known_hosts.read_text())
    box.write_config(f"UserKnownHostsFile {box.folder}/100%%d\n")
    connect(box)
    assert ssh(box).returncode == 0


def test_a_changed_key_is_shown_with_the_one_on_record(box: Sshd, tmp_path: Path) -> None:
    other = keygen(tmp_path / "other")
    box.known_hosts.write_text(f"# a comment\n{box.known_line(keygen(tmp_path / 'e', 'ecdsa'))}{box.known_line(other)}")
    printed = subprocess.run(["ssh-keygen", "-lf", f"{other}.pub"], capture_output=True, text=True, check=True).stdout
    with pytest.raises(HostKeyError, match="someone is intercepting") as error:
        connect(box)
    assert f"on record is ssh-ed25519 {printed.split()[1]} ({box.known_hosts} line 3)" in str(error.value)


@pytest.mark.parametrize("file", ["/dev/null", "none"])
def test_where_keys_are_not_kept_the_fix_is_another(box: Sshd, file: str) -> None:
    box.write_config(f"StrictHostKeyChecking no\nUserKnownHostsFile {file}\n")
    with pytest.raises(HostKeyError, match="is not known") as error:
        connect(box)
    assert f"UserKnownHostsFile other than {file}" in error.value.hint
    assert again("--accept-new-host-key") in error.value.fix


def test_a_bad_option_is_shown_with_its_place(tmp_path: Path) -> None:
    config = tmp_path / "ssh_config"
    config.write_text("User ann\nUseKeychain yes\nHost box\n  Nonsense 7\n")
    with pytest.raises(
        ConnectError, match=r"ssh_config: .*/ssh_config: line 2: .*usekeychain; .* line 4: .*nonsense"
    ) as error:
        resolve(parse_host("box"), str(config))
    fix = re.search(r"put above it: (IgnoreUnknown \S+)", error.value.hint)
    assert fix
    config.write_text(f"{fix[1]}\n{config.read_text()}")
    assert resolve(parse_host("box"), str(config)).user == "ann"


def test_a_proxy_command_may_pass_its_connection(box: Sshd, tmp_path: Path) -> None:
    passer = tmp_path / "pass.py"
    passer.write_text(
        "import socket, sys\n"
        "made = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n"
        "socket.send_fds(socket.socket(fileno=1), [b'x'], [made.fileno()])\n"
    )
    box.write_config(f"Host box\n  ProxyUseFdpass yes\n  ProxyCommand python3 {passer} %h %p\n")
    assert ssh(box).returncode == 0
    connect(box)
    box.write_config("Host box\n  ProxyUseFdpass yes\n  ProxyCommand sh -c 'echo it is shut >&2'\n")
    with pytest.raises(ConnectError, match=r"passed no connection .*sh says: it is shut"):
        connect(box)


class Link(PromptSocket):
    """A connection to an address."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = address

    def getpeername(self) -> tuple[str, int]:
        return self.address, 22


@pytest.mark.parametrize(
    ("printed", "address", "asked"),
    [
        ("checkhostip yes", "192.0.2.7", "192.0.2.7"),
        ("checkhostip no", "192.0.2.7", ""),
        ("checkhostip yes", "127.0.0.7", ""),  # as in OpenSSH, which is lax about loopback
        ("checkhostip yes\nproxycommand nc %h %p", "192.0.2.7", ""),
        ("hostname 192.0.2.7\ncheckhostip yes", "192.0.2.7", ""),
    ],
)
def test_the_address_counts_where_ssh_config_says_so(printed: str, address: str, asked: str) -> None:
    with Link(address) as link:
        assert connection._address(parse_route(parse_host("box"), f"{printed}\nhostname box\n"), link) == asked


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ("box KEY\n", ""),
        ("box KEY\n192.0.2.7 KEY\n", ""),
        ("box KEY\n192.0.2.7 OTHER\n", "on record is .*known_hosts line 2"),
        ("box KEY\n192.0.2.7 OTHER\n192.0.2.7 KEY\n", ""),
        ("box KEY\n@revoked 192.0.2.7 KEY\n", "is revoked for 192.0.2.7"),
    ],
)
def test_an_address_must_not_have_another_key_than_the_name(known: str, words: str, tmp_path: Path) -> None:
    own, other = (Path(f"{keygen(tmp_path / name)}.pub").read_text().rpartition(" ")[0] for name in ("own", "other"))
    file = tmp_path / "known_hosts"
    file.write_text(known.replace("KEY", own).replace("OTHER", other))
    route = parse_route(parse_host("box"), f"hostname box\nuserknownhostsfile {file}\n")
    blob = base64.b64decode(own.split()[1])
    with pytest.raises(HostKeyError, match=words) if words else nullcontext():
        host_keys.check(route, host_keys.on_record(route), "ssh-ed25519", blob, accept_new=False, address="192.0.2.7")


def test_a_login_shell_may_take_longer_than_a_program(sshds: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    box = sshds(lines="LogLevel INFO\nForceCommand sleep 3; exec /bin/sh")
    there = There("box", parse_host("box"), SshOptions(config=str(box.config)))
    assert b"".join(there.talk(b"echo reached\n", 2)) == b"reached\n"
    monkeypatch.setattr(host, "SHELL", 0.5)
    began = time.monotonic()
    with pytest.raises(HostError, match="its login shell ran no program within 1 seconds") as error:
        list(there.talk(b"echo reached\n", 0.5 + 0.5))
    assert time.monotonic() - began < 2
    assert f"time ssh {there.ssh} true" in error.value.hint
    there.close()
