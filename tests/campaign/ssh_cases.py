"""Cases of host keys and of logins, decided by OpenSSH's own client and by nbfab, against the same real servers.

    python tests/campaign/ssh_cases.py [-v] [WORD...]

Prints how many are decided alike, and each that is not. The exit status is 0 only if all of those are on purpose, which
CAREFUL and CAPABLE below list. WORDs choose the cases that have one of them in their names.
"""

import base64
import contextlib
import hmac
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2]))

from namespace import bind, with_mounts
from sshd import Sshd, keygen, wait_until

from nbfab.errors import Denied, HostKeyError, NbfabError
from nbfab.names import parse_host
from nbfab.ssh.host import There
from nbfab.ssh.options import SshOptions

# Beginnings of the names of cases that nbfab decides otherwise than OpenSSH, and why. docs/ssh.md has them in prose.
CAREFUL: Mapping[str, str] = {
    "key, no: ": "only --accept-new-host-key accepts a key that is not known, and nothing one that has changed",
    "key, off: ": "as with StrictHostKeyChecking no",
    "key, not for localhost: ": "a key counts for loopback, too",
    "key, accept-new: revoked without the port": "a revoked key counts for every port",
    "key, CheckHostIP yes: address revoked": "a key that is revoked for the address counts",
    "key, accept-new: authority alone": "where an authority is on record, no key is recorded without being asked",
    "key, accept-new: own as authority": "where an authority is on record, no key is recorded without being asked",
}
# In these it gets in where OpenSSH does not; none is about trust in a host.
CAPABLE: Mapping[str, str] = {
    "login: the agent full of others": "keys that ssh_config names come before the agent's",
    "login: a key with text before": "the key is found in its file all the same",
    "login: a key with CRLF": "the key is read all the same",
    "login: a key without an end of line": "the key is read all the same",
    "login: a key with spaces": "the key is read all the same",
}


@dataclass
class World:
    """The servers, keys and files that cases are made of. `text` fills in a case's text."""

    folder: Path
    box: Sshd
    certified: Sshd
    agent: Path
    words: dict[str, str] = field(default_factory=dict)

    def text(self, template: str) -> str:
        return re.sub(r"<([\w.]+)>", lambda match: self.words.get(match[1], match[0]), template)


@dataclass
class Case:
    """`config` comes first in ssh_config; `known` is the known_hosts file; `prepare` does what else it needs."""

    name: str
    config: str = ""
    known: str | bytes | None = "<host> <ed>\n"
    authorized: str = "<id.pub>\n"
    identity: str = "<f>/id"
    certified: bool = False
    agent: str = ""  # keys that the agent of the environment holds; "-" for no agent
    env: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[World], None] = lambda world: None


@dataclass
class Verdict:
    """How a login ended: `in`, or refused for the host's `key`, at the `login`, or for something `else`."""

    end: str
    by: str = ""  # the key that the host accepted
    recorded: frozenset[str] = frozenset()
    words: str = ""

    def __eq__(self, other: object) -> bool:
        assert isinstance(other, Verdict)
        return (self.end == "in", self.by, self.recorded) == (other.end == "in", other.by, other.recorded)


# --- host keys ---------------------------------------------------------------------------------------------------

SALT = base64.b64encode(b"s" * 20).decode()


def hashed(name: str) -> str:
    return f"|1|{SALT}|{base64.b64encode(hmac.digest(b's' * 20, name.encode(), 'sha1')).decode()}"


KNOWN: dict[str, str | None] = {
    "empty": "",
    "missing": None,
    "own ed25519": "<host> <ed>\n",
    "own ecdsa": "<host> <ec>\n",
    "own rsa": "<host> <rsa>\n",
    "own rsa by its signature": "<host> rsa-sha2-512 <rsa.blob>\n",
    "all own": "<host> <ed>\n<host> <ec>\n<host> <rsa>\n",
    "other ed25519": "<host> <ed2>\n",
    "other ecdsa": "<host> <ec2>\n",
    "other rsa": "<host> <rsa2>\n",
    "other, then own": "<host> <ed2>\n<host> <ed>\n",
    "own ecdsa, other ed25519": "<host> <ed2>\n<host> <ec>\n",
    "own ed25519, other ecdsa": "<host> <ec2>\n<host> <ed>\n",
    "own without the port": "127.0.0.1 <ed>\n",
    "other without the port": "127.0.0.1 <ed2>\n",
    "own with, other without the port": "<host> <ed>\n127.0.0.1 <ed2>\n",
    "other with, own without the port": "<host> <ed2>\n127.0.0.1 <ed>\n",
    "revoked without the port": "127.0.0.1 <ed>\n@revoked 127.0.0.1 <ed>\n",
    "revoked without, own with the port": "<host> <ed>\n@revoked 127.0.0.1 <ed>\n",
    "star": "* <ed>\n",
    "star, other": "* <ed2>\n",
    "wildcards": "[127.0.?.*]:* <ed>\n",
    "wildcard for the port": "[127.0.0.1]:* <ed>\n",
    "negated": "*,!<host> <ed>\n",
    "negated first": "!<host>,* <ed>\n",
    "negation alone": "!other <ed>\n",
    "a list": "a,b,<host>,c <ed>\n",
    "a list with spaces": "a, <host> <ed>\n",
    "hashed": "<hashed> <ed>\n",
    "hashed, other": "<hashed> <ed2>\n",
    "hashed without the port": "<hashed.ip> <ed>\n",
    "hashed by a short salt": "|1|c2FsdA==|AAAA <ed>\n",
    "hashed by another method": "|2|c2FsdA==|AAAA <ed>\n",
    "revoked": "@revoked <host> <ed>\n",
    "revoked and known": "<host> <ed>\n@revoked <host> <ed>\n",
    "revoked for all": "<host> <ed>\n@revoked * <ed>\n",
    "revoked for another host": "<host> <ed>\n@revoked other <ed>\n",
    "another one revoked": "<host> <ed>\n@revoked <host> <ed2>\n",
    "ecdsa revoked, ed25519 known": "<host> <ed>\n@revoked <host> <ec>\n",
    "revoked by a list": "<host> <ed>\n@revoked a,<host> <ed>\n",
    "revoked, hashed": "<host> <ed>\n@revoked <hashed> <ed>\n",
    "authority alone": "@cert-authority <host> <ed2>\n",
    "authority and own": "@cert-authority <host> <ed2>\n<host> <ed>\n",
    "own as authority": "@cert-authority <host> <ed>\n",
    "unknown marker": "@trusted <host> <ed>\n",
    "two markers": "@revoked @revoked <host> <ed>\n<host> <ed>\n",
    "marker in capitals": "@REVOKED <host> <ed>\n<host> <ed>\n",
    "a comment": "# <host> <ed>\n",
    "comments around": "# a\n<host> <ed> comment # more\n# b\n",
    "spaces and tabs": " \t<host>\t<ed.type> \t <ed.blob>\n",
    "carriage returns": "<host> <ed>\r\n",
    "no end of line": "<host> <ed>",
    "garbage before": "x\n\0\0\n<host>\n@@@ a b\n<host> <ed>\n",
    "garbage after": "<host> <ed>\n<host> ssh-ed25519 AAAA\n",
    "cut short": "<host> <ed.type> <ed.half>\n",
    "another type's name": "<host> ssh-rsa <ed.blob>\n",
    "an unknown type": "<host> ssh-other <ed.blob>\n",
    "no type": "<host> <ed.blob>\n",
    "old protocol 1": "<host> 1024 37 123456789\n<host> <ed>\n",
    "another host": "other.example <ed>\n",
    "quoted": '"<host>" <ed>\n',
    "a very long line before": "<long> <ed2>\n<host> <ed>\n",
    "own of another port": "[127.0.0.1]:1 <ed>\n",
    "capitals in the type": "<host> SSH-ED25519 <ed.blob>\n",
}
POLICIES = {"ask": "", "accept-new": "StrictHostKeyChecking accept-new\n", "yes": "StrictHostKeyChecking yes\n"}

OPTIONS: dict[str, str] = {
    "no": "StrictHostKeyChecking no\n",
    "off": "StrictHostKeyChecking off\n",
    "to /dev/null": "StrictHostKeyChecking accept-new\nUserKnownHostsFile /dev/null\n",
    "to none": "StrictHostKeyChecking accept-new\nUserKnownHostsFile none\n",
    "hash": "StrictHostKeyChecking accept-new\nHashKnownHosts yes\n",
    "only ed25519": "HostKeyAlgorithms ssh-ed25519\n",
    "only rsa": "HostKeyAlgorithms rsa-sha2-512\n",
    "no ed25519": "HostKeyAlgorithms -ssh-ed25519*\n",
    "ecdsa first": "HostKeyAlgorithms ^ecdsa-sha2-nistp256\n",
    "revoked file": "RevokedHostKeys <f>/revoked\n",
    "other revoked file": "RevokedHostKeys <f>/revoked2\n",
    "missing revoked file": "RevokedHostKeys <f>/no-such\n",
    "revoked list": "RevokedHostKeys <f>/krl\n",
    "broken revoked list": "RevokedHostKeys <f>/krl-broken\n",
    "revoked file by token": "RevokedHostKeys <f>/%h-revoked\n",
    "alias": "HostKeyAlias other.example\n",
    "alias in capitals": "HostKeyAlias OTHER.example\n",
    "alias of another": "HostKeyAlias third.example\n",
    "global file": "UserKnownHostsFile none\nGlobalKnownHostsFile <f>/known-all\n",
    "two files": "UserKnownHostsFile <f>/no-such <f>/known-all\n",
    "a file with a space": 'UserKnownHostsFile "<f>/known all"\n',
    "a file by tokens": "UserKnownHostsFile <f>/known-%h\n",
    "a file with a percent sign": "UserKnownHostsFile <f>/known-%%h\n",
    "a global file with a percent sign": "UserKnownHostsFile none\nGlobalKnownHostsFile <f>/known-%h\n",
    "a file by a variable": "UserKnownHostsFile ${CASES}/known-all\n",
    "a global file by a variable": "UserKnownHostsFile none\nGlobalKnownHostsFile ${CASES}/known-all\n",
    "command that knows": "KnownHostsCommand /bin/cat <f>/known-all\n",
    "command that fails": "KnownHostsCommand /bin/false\n",
    "command that revokes": "KnownHostsCommand /bin/cat <f>/revoked-all\n",
    "rsa of size": "HostKeyAlgorithms rsa-sha2-256\nRequiredRSASize 3072\n",
    "rsa too short": "HostKeyAlgorithms rsa-sha2-256\nRequiredRSASize 4096\n",
    "not for localhost": "NoHostAuthenticationForLocalhost yes\n",
    "not for localhost, alias": "NoHostAuthenticationForLocalhost yes\nHostKeyAlias third.example\n",
    "by DNS": "VerifyHostKeyDNS yes\n",
    "visual": "VisualHostKey yes\n",
    "checked address": "CheckHostIP yes\n",
}

LAN: dict[str, str] = {
    "name alone": "[lan.test]:<port> <ed>\n",
    "name and address": "[lan.test]:<port> <ed>\n[<lan>]:<port> <ed>\n",
    "address differs": "[lan.test]:<port> <ed>\n[<lan>]:<port> <ed2>\n",
    "address alone": "[<lan>]:<port> <ed>\n",
    "name differs": "[lan.test]:<port> <ed2>\n[<lan>]:<port> <ed>\n",
    "address revoked": "[lan.test]:<port> <ed>\n@revoked [<lan>]:<port> <ed>\n",
    "address of another port": "[lan.test]:<port> <ed>\n<lan> <ed2>\n",
}

CERTIFIED: dict[str, str] = {
    "known by its authority": "@cert-authority <host2> <ca>\n",
    "known by a wildcard": "@cert-authority *,[127.*]:* <ca>\n",
    "another authority": "@cert-authority <host2> <ed2>\n",
    "revoked authority": "@cert-authority <host2> <ca>\n@revoked * <ca>\n",
    "revoked key": "@cert-authority <host2> <ca>\n@revoked * <ed3>\n",
    "plain key known": "<host2> <ed3>\n",
    "plain key known, another authority": "<host2> <ed3>\n@cert-authority <host2> <ed2>\n",
    "nothing known": "",
    "authority as a plain key": "<host2> <ca>\n",
}


def host_key_cases() -> Iterator[Case]:
    for policy, lines in POLICIES.items():
        for name, known in KNOWN.items():
            yield Case(f"key, {policy}: {name}", lines, known)
    for name, lines in OPTIONS.items():
        for kind in ("own ed25519", "empty", "other ed25519", "all own"):
            known = {"own ed25519": "<host> <ed>\nother.example <ed>\n"}.get(kind, KNOWN[kind])
            yield Case(f"key, {name}: {kind}", lines, known, env={"CASES": "<f>"})
    for name, known in LAN.items():
        for checks in ("yes", "no"):
            yield Case(
                f"key, CheckHostIP {checks}: {name}",
                f"Host box\nHostName lan.test\nCheckHostIP {checks}\nPort <port>\n",
                known,
            )
    for name, known in CERTIFIED.items():
        yield Case(f"key, certificate: {name}", "", known, certified=True)
    yield Case(
        "key, certificates not wanted: authority",
        "HostKeyAlgorithms ssh-ed25519\n",
        CERTIFIED["known by its authority"],
        certified=True,
    )
    yield Case(
        "key, certificates not wanted: plain key", "HostKeyAlgorithms ssh-ed25519\n", "<host2> <ed3>\n", certified=True
    )


# --- logins ------------------------------------------------------------------------------------------------------


def copied(world: World, name: str, mode: int = 0o600, change: Callable[[bytes], bytes] = lambda data: data) -> None:
    """The usual key in a file of its own."""
    target = Path(world.text(f"<f>/{name}"))
    target.write_bytes(change(Path(world.text("<f>/id")).read_bytes()))
    target.chmod(mode)


BY_CA, NONE = "cert-authority <ca>\n", "<f>/no-such"
RSA = {"authorized": "<rsa3072.pub>\n", "identity": "<f>/rsa3072"}


def login(config: str = "", **more: Any) -> Case:
    """A case that gets its name later."""
    return Case("", config, **more)


LOGINS: dict[str, Case] = {
    "a key": login(),
    "a wrong key": login("", identity="<f>/other"),
    "a wrong key, then the right one": login("IdentityFile <f>/other\n"),
    "a missing key, then the right one": login("IdentityFile <f>/no-such\n"),
    "no key": login("", identity="none"),
    "only a missing key": login("", identity=NONE),
    "keys off": login("PubkeyAuthentication no\n"),
    "keys unbound": login("PubkeyAuthentication unbound\n"),
    "keys bound to the host": login("PubkeyAuthentication host-bound\n"),
    "only passwords": login("PreferredAuthentications password\n"),
    "keys after passwords": login("PreferredAuthentications password,publickey\n"),
    "an unknown method": login("PreferredAuthentications other\n"),
    "many keys": login("".join(f"IdentityFile <f>/junk{n}\n" for n in range(8))),
    "many keys, the right one in time": login("".join(f"IdentityFile <f>/junk{n}\n" for n in range(4))),
    "a directory": login("", identity="<f>"),
    "a link": login("", identity="<f>/link"),
    "a path with a space": login("", identity='"<f>/a key"'),
    "a relative path": login("", identity="id-relative"),
    "a public key without an agent": login("", identity="<f>/id.pub", agent="-"),
    "a public key of the agent's": login("", identity="<f>/id.pub", agent="other id"),
    "a public key beside no private one": login("", identity="<f>/alone", agent="id"),
    "the agent": login("", identity=NONE, agent="id"),
    "the agent, only identities": login("IdentitiesOnly yes\n", identity="<f>/other", agent="id"),
    "the agent, not only identities": login("IdentitiesOnly no\n", identity="<f>/other", agent="id"),
    "the agent is off": login("IdentityAgent none\n", identity=NONE, agent="id"),
    "the agent elsewhere": login("IdentityAgent <agent>\n", identity=NONE, agent="id", env={"SSH_AUTH_SOCK": ""}),
    "the agent by a variable": login("IdentityAgent $OTHER\n", identity=NONE, agent="id", env={"OTHER": "<agent>"}),
    "the agent by an unset variable": login("IdentityAgent $NO_SUCH\n", identity=NONE, agent="id"),
    "the agent by a variable in a path": login(
        "IdentityAgent ${OTHER}\n", identity=NONE, agent="id", env={"OTHER": "<agent>"}
    ),
    "the agent at a wrong place": login("IdentityAgent /no/such\n", identity=NONE, agent="id"),
    "the agent by SSH_AUTH_SOCK": login("IdentityAgent SSH_AUTH_SOCK\n", identity=NONE, agent="id"),
    "the agent full of others": login("IdentitiesOnly no\n", agent=" ".join(f"junk{n}" for n in range(8))),
    "the agent full of others, named key there": login(
        "IdentitiesOnly no\n", agent=" ".join([*(f"junk{n}" for n in range(8)), "id"])
    ),
    "another user": login("User no-such-user\n"),
    "a certificate": login("", authorized=BY_CA, identity="<f>/certified"),
    "a certificate by name": login(
        "CertificateFile <f>/certified-cert.pub\n", authorized=BY_CA, identity="<f>/certified-copy"
    ),
    "a certificate by tokens": login(
        "CertificateFile <f>/%n-cert.pub\n", authorized=BY_CA, identity="<f>/certified-copy"
    ),
    "a certificate of another key": login("CertificateFile <f>/certified-cert.pub\n", authorized=BY_CA),
    "a missing certificate": login("CertificateFile <f>/no-such\n"),
    "a broken certificate": login("CertificateFile <f>/junk\n"),
    "an expired certificate": login("", authorized=BY_CA, identity="<f>/expired"),
    "an expired certificate of a trusted key": login("", authorized="<expired.pub>\n", identity="<f>/expired"),
    "a certificate for others": login("", authorized=BY_CA, identity="<f>/for-others"),
    "a certificate, agent": login(
        "CertificateFile <f>/certified-cert.pub\n", authorized=BY_CA, identity=NONE, agent="certified-copy"
    ),
    "certificates not accepted": login(
        "PubkeyAcceptedAlgorithms -*cert*\n", authorized=BY_CA, identity="<f>/certified"
    ),
    "only certificates accepted": login("PubkeyAcceptedAlgorithms ssh-ed25519-cert-v01@openssh.com\n"),
    "only rsa accepted": login("PubkeyAcceptedAlgorithms rsa-sha2-512\n"),
    "only ed25519 accepted": login("PubkeyAcceptedAlgorithms ssh-ed25519\n"),
    "only sk accepted": login("PubkeyAcceptedAlgorithms sk-ssh-ed25519@openssh.com\n"),
    "rsa by sha2-256": login("PubkeyAcceptedAlgorithms rsa-sha2-256\n", **RSA),
    "rsa by sha1": login("PubkeyAcceptedAlgorithms ssh-rsa\n", **RSA),
    "rsa of size": login("RequiredRSASize 3072\n", **RSA),
    "rsa too short": login("RequiredRSASize 4096\n", **RSA),
    "rsa too short, agent": login(
        "RequiredRSASize 4096\n", authorized="<rsa3072.pub>\n", identity=NONE, agent="rsa3072"
    ),
    "rsa of 1024 bits": login("", authorized="<rsa1024.pub>\n", identity="<f>/rsa1024"),
    "required size below the least": login(
        "RequiredRSASize 512\n", authorized="<rsa1024.pub>\n", identity="<f>/rsa1024"
    ),
    "ProxyCommand": login("ProxyCommand socat - TCP:%h:%p\n"),
    "ProxyCommand none": login("ProxyCommand none\n"),
    "ProxyCommand fails": login("ProxyCommand false\n"),
    "ProxyUseFdpass": login("ProxyUseFdpass yes\nProxyCommand python3 <f>/pass.py %h %p\n"),
    "ProxyUseFdpass without a socket": login("ProxyUseFdpass yes\nProxyCommand true\n"),
    "ProxyJump": login("Host box\nProxyJump hop\n"),
    "ProxyJump none": login("ProxyJump none\n"),
    "ProxyJump to nowhere": login("Host box\nProxyJump nowhere.invalid\n"),
    "ProxyJump of a wrong form": login("Host box\nProxyJump a:b:c@d\n"),
    "inet": login("AddressFamily inet\n"),
    "inet6": login("AddressFamily inet6\n"),
    "BindAddress": login("BindAddress 127.0.0.9\n"),
    "BindAddress of another machine": login("BindAddress 192.0.2.77\n"),
    "BindInterface": login("BindInterface lo\n"),
    "BindInterface that is not there": login("BindInterface nosuch0\n"),
    "a cipher": login("Ciphers aes256-gcm@openssh.com\n"),
    "a cipher that paramiko lacks": login("Ciphers chacha20-poly1305@openssh.com\n"),
    "a cipher that the host lacks": login("Ciphers aes128-cbc\n"),
    "a wrong cipher": login("Ciphers nonsense\n"),
    "a key exchange": login("KexAlgorithms curve25519-sha256\n"),
    "a key exchange by its first name": login("KexAlgorithms curve25519-sha256@libssh.org\n"),
    "a key exchange that paramiko lacks": login("KexAlgorithms sntrup761x25519-sha512@openssh.com\n"),
    "a key exchange that the host lacks": login("KexAlgorithms diffie-hellman-group14-sha1\n"),
    "a MAC": login("Ciphers aes128-ctr\nMACs hmac-sha2-256\n"),
    "a MAC that paramiko lacks": login("Ciphers aes128-ctr\nMACs umac-128-etm@openssh.com\n"),
    "a MAC that the host lacks": login("Ciphers aes128-ctr\nMACs hmac-md5\n"),
    "a MAC that paramiko lacks, with a cipher that needs none": login(
        "Ciphers aes128-gcm@openssh.com\nMACs umac-128@openssh.com\n"
    ),
    "Compression": login("Compression yes\n"),
    "RekeyLimit": login("RekeyLimit 1M\n"),
    "an unknown option": login("UseKeychain yes\n"),
    "an unknown option, ignored": login("IgnoreUnknown UseKeychain\nUseKeychain yes\n"),
    "a wrong value": login("BatchMode perhaps\n"),
    "Match that holds": login("Match exec true\nUser no-such-user\n"),
    "Match that does not": login("Match exec false\nUser no-such-user\n"),
    "Match of the original host": login("Match originalhost box\nUser no-such-user\n"),
    "Include": login("Include <f>/included\n"),
    "Include of nothing": login("Include <f>/no-such*\n"),
    "PKCS11Provider": login("PKCS11Provider <f>/no-such.so\n"),
    "SecurityKeyProvider": login("SecurityKeyProvider <f>/no-such.so\n"),
    "GSSAPIAuthentication": login("GSSAPIAuthentication yes\n"),
    "HostbasedAuthentication": login("HostbasedAuthentication yes\n"),
    "ConnectTimeout": login("ConnectTimeout 5\n"),
    "ConnectionAttempts": login("ConnectionAttempts 2\n"),
    "ControlMaster": login("ControlMaster auto\nControlPath <f>/%C\n"),
    "AddKeysToAgent": login("AddKeysToAgent yes\n", agent="other"),
    "LogLevel": login("LogLevel QUIET\n"),
    "CanonicalizeHostname": login("CanonicalizeHostname yes\nCanonicalDomains invalid\nCanonicalizeFallbackLocal no\n"),
    "Port of another": login("Port 1\n"),
}
MODES = (0o600, 0o400, 0o640, 0o644, 0o604, 0o660, 0o700, 0o610)
BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "junk": lambda data: b"junk\xff\0",
    "half": lambda data: data[: len(data) // 2],
    "of another kind": lambda data: data.replace(b"OPENSSH", b"RSA"),
    "with text before": lambda data: b"a key\n" + data,
    "with text after": lambda data: data + b"the end\n",
    "with CRLF": lambda data: data.replace(b"\n", b"\r\n"),
    "without an end of line": lambda data: data.rstrip(b"\n"),
    "with spaces": lambda data: data.replace(b"\n", b" \n"),
}
TOKENS = (
    "%%",
    "%C",
    "%d",
    "%h",
    "%i",
    "%k",
    "%L",
    "%l",
    "%n",
    "%p",
    "%r",
    "%u",
    "${CASES}",
    "%Q",
    "${NO_SUCH}",
    "%",
    "%T",
)


def login_cases() -> Iterator[Case]:
    for name, case in LOGINS.items():
        case.name = f"login: {name}"
        yield case
    for mode in MODES:
        yield Case(
            f"login: a key of mode {mode:o}", identity="<f>/mode", prepare=partial(copied, name="mode", mode=mode)
        )
    for name, change in BROKEN.items():
        yield Case(f"login: a key {name}", identity="<f>/broken", prepare=partial(copied, name="broken", change=change))
    for kind in ("ecdsa", "rsa"):
        for form in ("RFC4716", "PEM", "PKCS8"):
            yield Case(f"login: {kind} in {form}", authorized=f"<{kind}-{form}.pub>\n", identity=f"<f>/{kind}-{form}")
    for bits in (384, 521):
        yield Case(f"login: ecdsa of {bits} bits", authorized=f"<ecdsa{bits}.pub>\n", identity=f"<f>/ecdsa{bits}")
    yield Case("login: an encrypted key", authorized="<locked.pub>\n", identity="<f>/locked")
    yield Case(
        "login: an encrypted key, agent", authorized="<locked.pub>\n", identity="<f>/locked", agent="locked-open"
    )
    for token in TOKENS:
        yield Case(
            f"login: {token} in IdentityFile",
            identity=f"<f>/keys/key-{token}",
            env={"CASES": "value"},
            prepare=partial(tokened, token=token),
        )


def tokened(world: World, token: str) -> None:
    """The usual key where OpenSSH looks for it, as ControlPath, whose tokens `ssh -G` expands, has the same ones."""
    folder = Path(world.text("<f>/keys"))
    shutil.rmtree(folder, ignore_errors=True)
    command = ["ssh", "-G", "-F", str(world.folder / "config"), "-o", f"ControlPath=key-{token}", "box"]
    printed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    if found := re.search(r"^controlpath (.*)$", printed, re.MULTILINE):
        (folder / found[1]).parent.mkdir(parents=True)
        copied(world, f"keys/{found[1]}")


# --- running them ------------------------------------------------------------------------------------------------


def decide(world: World, case: Case) -> tuple[Verdict, Verdict]:
    """What OpenSSH decides, and what nbfab does, each from the same beginning."""
    box = world.certified if case.certified else world.box
    config, known = world.folder / "config", world.folder / "known_hosts"
    (box.folder / "authorized_keys").write_text(world.text(case.authorized))
    config.write_text(
        world.text(case.config)
        + f"\nHost hop\n  HostName 127.0.0.1\n  Port {world.box.port}\n  User {os.environ.get('USER', 'root')}\n"
        + f"Host box\n  HostName 127.0.0.1\n  Port {box.port}\nHost *\n  UserKnownHostsFile {known}\n"
        f"  GlobalKnownHostsFile none\n  UpdateHostKeys no\n  ConnectTimeout 10\n"
        f"  IdentityFile {world.text(case.identity)}\n"
    )
    if "IdentitiesOnly" not in case.config and not case.agent:
        config.write_text(config.read_text() + "  IdentitiesOnly yes\n")
    case.prepare(world)
    env = {"SSH_AUTH_SOCK": str(world.agent)} if case.agent not in ("", "-") else {"SSH_AUTH_SOCK": ""}
    os.environ.update(env | {name: world.text(value) for name, value in case.env.items()})
    subprocess.run(
        ["ssh-add", "-qD"], env=os.environ | {"SSH_AUTH_SOCK": str(world.agent)}, capture_output=True, check=False
    )
    for key in case.agent.split() if case.agent != "-" else ():
        subprocess.run(
            ["ssh-add", "-q", world.text(f"<f>/{key}")],
            env=os.environ | {"SSH_AUTH_SOCK": str(world.agent)},
            check=True,
            capture_output=True,
        )
    verdicts = []
    for judge in (by_openssh, by_nbfab):
        if case.known is None:
            known.unlink(missing_ok=True)
        else:
            known.write_text(world.text(str(case.known)))
        before, log = blobs(known), len(box.log)
        verdict = judge(config)
        if verdict.end == "in":
            verdict.by = accepted(box, log)
        verdict.recorded = frozenset(blobs(known) - before)
        verdicts.append(verdict)
    return verdicts[0], verdicts[1]


def accepted(box: Sshd, log: int) -> str:
    """The key or certificate that the server accepted, by its log from there on."""
    pattern = r"Accepted publickey .* ssh2: (\S+ \S+)(?: ID (\S+))?"
    wait_until(lambda: re.search(pattern, box.log[log:]), "a line about the key")
    found = re.search(pattern, box.log[log:])
    assert found
    return " ".join(filter(None, found.groups()))


def blobs(known: Path) -> set[str]:
    """The keys in a known_hosts file."""
    return set(re.findall(r"AAAA[A-Za-z0-9+/=]+", known.read_text())) if known.exists() else set()


def by_openssh(config: Path) -> Verdict:
    done = subprocess.run(
        ["ssh", "-F", str(config), "-o", "BatchMode=yes", "box", "true"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=60,
        check=False,
    )
    said = done.stderr
    if done.returncode == 0:
        return Verdict("in")
    if "Host key verification failed" in said or "revoked" in said.lower():
        return Verdict("key", words=said)
    return Verdict("login" if "Permission denied (" in said else "else", words=said)


def by_nbfab(config: Path) -> Verdict:
    there = There("box", parse_host("box"), SshOptions(config=str(config)))
    try:
        for _ in there.talk(b"exit\n", 30):
            pass
        return Verdict("in")
    except NbfabError as error:
        end = "key" if isinstance(error, HostKeyError) else "login" if isinstance(error, Denied) else "else"
        return Verdict(end, words=f"{error} [{error.hint}]")
    finally:
        there.close()


def made(folder: Path, stack: contextlib.ExitStack) -> World:
    """The servers, an agent, and every file that a case names."""
    lan = own_address()
    box = stack.enter_context(Sshd(folder / "hosts/box", kinds=("ed25519", "ecdsa", "rsa"), lines="MaxAuthTries 6"))
    if lan:
        box.stop()
        box._lines += f"\nListenAddress {lan}:{box.port}"
        box.start()
    authority = keygen(folder / "ca")
    certified = stack.enter_context(Sshd(folder / "hosts/certified"))
    sign(authority, certified.host_keys[0], "-h", "-n", "127.0.0.1,box")
    certified.stop()
    certified._lines = f"HostCertificate {certified.host_keys[0]}-cert.pub"
    certified.start()
    agent = folder / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", agent], stdout=subprocess.DEVNULL)
    stack.callback(process.wait)
    stack.callback(process.terminate)
    wait_until(agent.exists, "the agent")
    words = keys(folder, authority)
    for name, key in zip(("ed", "ec", "rsa"), box.host_keys, strict=True):
        words |= parts(name, key)
    words |= parts("ed3", certified.host_keys[0]) | parts("ca", authority)
    words |= {
        "f": str(folder),
        "host": f"[127.0.0.1]:{box.port}",
        "host2": f"[127.0.0.1]:{certified.port}",
        "hashed": hashed(f"[127.0.0.1]:{box.port}"),
        "hashed.ip": hashed("127.0.0.1"),
        "port": str(box.port),
        "lan": lan,
        "agent": str(agent),
        "long": "x" * 5000,
    }
    world = World(folder, box, certified, agent, words)
    every = "<host> <ed>\n<host> <ec>\n<host> <rsa>\n"
    for name, text in {
        "known-all": every,
        "known all": every,
        "known-127.0.0.1": every,
        "known-%h": every,
        "revoked": "<ed>\n<ec>\n<rsa>\n",
        "127.0.0.1-revoked": "<ed>\n<ec>\n<rsa>\n",
        "revoked2": "<ed2>\n",
        "revoked-all": "@revoked * <ed>\n@revoked * <ec>\n@revoked * <rsa>\n",
        "krl-broken": "SSHKRL\nnonsense",
        "included": "User no-such-user\n",
        "pass.py": PASS,
        "junk": "junk\n",
    }.items():
        (folder / name).write_text(world.text(text))
    subprocess.run(["ssh-keygen", "-q", "-k", "-f", folder / "krl", f"{box.host_keys[0]}.pub"], check=True)
    return world


PASS = """import socket, sys
made = socket.create_connection((sys.argv[1], int(sys.argv[2])))
socket.send_fds(socket.socket(fileno=1), [b"x"], [made.fileno()])
"""


def keys(folder: Path, authority: Path) -> dict[str, str]:
    """The user's keys and their certificates; what their public parts are called in a case's text."""
    me = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    for name in ("id", "other", "ed2", "certified", "expired", "for-others", *(f"junk{number}" for number in range(8))):
        keygen(folder / name)
    keygen(folder / "locked", passphrase="open sesame")
    for name, kind in {"ec2": "ecdsa", "rsa2": "rsa", "rsa3072": "rsa"}.items():
        keygen(folder / name, kind)
    more = {"rsa1024": ("rsa", "-b", "1024"), "ecdsa384": ("ecdsa", "-b", "384"), "ecdsa521": ("ecdsa", "-b", "521")}
    more |= {f"{kind}-{form}": (kind, "-m", form) for kind in ("ecdsa", "rsa") for form in ("RFC4716", "PEM", "PKCS8")}
    for name, (kind, *how) in more.items():
        command = ["ssh-keygen", "-q", "-t", kind, *how, "-N", "", "-f", str(folder / name)]
        subprocess.run(command, check=True, capture_output=True)
    for name, options in {
        "certified": ("-n", me),
        "expired": ("-n", me, "-V", "-2d:-1d"),
        "for-others": ("-n", "x"),
    }.items():
        sign(authority, folder / name, *options)
    for old, new in {
        "certified": "certified-copy",
        "id": "a key",
        "id.pub": "alone.pub",
        "certified-cert.pub": "box-cert.pub",
    }.items():
        shutil.copy(folder / old, folder / new)
    shutil.copy(folder / "locked", folder / "locked-open")
    change = ["ssh-keygen", "-q", "-p", "-P", "open sesame", "-N", "", "-f", str(folder / "locked-open")]
    subprocess.run(change, check=True, capture_output=True)
    (folder / "link").symlink_to("id")
    (folder / "id-relative").symlink_to("id")
    words = {path.name: path.read_text().strip() for path in folder.glob("*.pub")}
    for name in ("ed2", "ec2", "rsa2"):
        words |= parts(name, folder / name)
    return words


def parts(name: str, key: Path) -> dict[str, str]:
    """A public key, and its parts, under a name."""
    kind, blob, *_ = Path(f"{key}.pub").read_text().split()
    return {name: f"{kind} {blob}", f"{name}.type": kind, f"{name}.blob": blob, f"{name}.half": blob[: len(blob) // 2]}


def sign(authority: Path, key: Path, *how: str) -> None:
    command = ["ssh-keygen", "-q", "-s", str(authority), "-I", key.name, *how, f"{key}.pub"]
    subprocess.run(command, check=True, capture_output=True)


def own_address() -> str:
    """An address of this machine that is not of loopback; empty if there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
        probe.connect(("192.0.2.1", 9))  # sends nothing
        return str(probe.getsockname()[0])
    return ""


def main(words: list[str]) -> int:
    """Runs the cases. Returns the exit status."""
    wordy = "-v" in words
    chosen = [word for word in words if word != "-v"]
    cases = [*host_key_cases(), *login_cases()]
    cases = [case for case in cases if not chosen or any(word in case.name for word in chosen)]
    alike: dict[str, list[bool]] = {}
    bad, meant = list[str](), list[str]()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cases")))
        world = made(folder, stack)
        os.chdir(folder)
        if not world.words["lan"]:
            cases = [case for case in cases if "CheckHostIP" not in case.name]
        for case in cases:
            theirs, ours = decide(world, case)
            alike.setdefault(case.name.split(":")[0].split(",")[0], []).append(theirs == ours)
            if theirs == ours and not wordy:
                continue
            line = f"{case.name}: ssh {shown(theirs)}, nbfab {shown(ours)}"
            if theirs == ours:
                print(f"alike  {line}")
                continue
            looser = ours.end == "in" and theirs.end != "in"
            listed = CAPABLE if looser else CAREFUL
            reason = next((why for name, why in listed.items() if case.name.startswith(name)), "")
            (meant if reason else bad).append(case.name)
            print(f"{'looser ' if looser else ''}{line}{f' - on purpose: {reason}' if reason else ' - BY MISTAKE'}")
    for kind, results in alike.items():
        print(f"{kind}: {sum(results)} of {len(results)} alike")
    print(f"{len(cases)} cases: {len(meant)} differ on purpose, {len(bad)} by mistake")
    return 1 if bad else 0


def shown(verdict: Verdict) -> str:
    words = " ".join(verdict.words.split())[-160:]
    more = f" and records {len(verdict.recorded)}" if verdict.recorded else ""
    return f"{verdict.end}{f' by {verdict.by}' if verdict.by else ''}{more}{f' ({words})' if words else ''}"


if __name__ == "__main__":
    if "CASES_HOSTS" not in os.environ:  # for CheckHostIP, a name of an address that is not of loopback
        with tempfile.NamedTemporaryFile("w", suffix=".hosts") as hosts:
            hosts.write(f"{Path('/etc/hosts').read_text()}\n{own_address()} lan.test\n")
            hosts.flush()
            command = with_mounts([sys.executable, *sys.argv], bind({"/etc/hosts": hosts.name}))
            sys.exit(subprocess.run(command, env=os.environ | {"CASES_HOSTS": "1"}, check=False).returncode)
    sys.exit(main(sys.argv[1:]))
