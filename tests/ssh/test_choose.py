"""What paramiko lacks for a host, by ssh_config and by what is on record."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from nbfab.names import parse_host
from nbfab.ssh import choose
from nbfab.ssh.host_keys import Entry
from nbfab.ssh.route import parse_route

PRINTED = "hostname gpu1\nuser ann\nport 22\nidentityfile /missing\n"
KEY = Entry("", "ssh-ed25519", "AAAA", "known_hosts")


@pytest.fixture
def ticket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file that decides whether Kerberos has a ticket, by a `klist` that stands for the real one."""
    program, valid = tmp_path / "klist", tmp_path / "valid"
    program.write_text(f'#!/bin/sh\n[ "$1" = -s ] && [ -e {valid} ]\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    choose._has_ticket.cache_clear()
    yield valid
    choose._has_ticket.cache_clear()


def lacks(printed: str, *entries: Entry) -> str:
    return choose.lacks(parse_route(parse_host("gpu1"), PRINTED + printed), (), entries)


@pytest.mark.parametrize(
    ("printed", "what"),
    [
        ("", ""),
        ("pkcs11provider /usr/lib/opensc-pkcs11.so\n", "PKCS11Provider keeps the keys on a token"),
        ("pkcs11provider none\n", ""),
        ("knownhostscommand /usr/bin/keys %H\n", "KnownHostsCommand asks a program for the keys of hosts"),
        ("hostbasedauthentication yes\n", "HostbasedAuthentication is on"),
        ("hostbasedauthentication no\n", ""),
        ("bindinterface wg0\n", "BindInterface names an interface"),
        ("ciphers aes128-ctr,of-tomorrow@example.org\n", ""),
        ("ciphers of-tomorrow@example.org\n", "Ciphers leaves nothing that paramiko knows"),
        ("kexalgorithms of-tomorrow@example.org\n", "KexAlgorithms leaves nothing that paramiko knows"),
        ("macs hmac-sha2-256\n", ""),
        ("macs of-tomorrow@example.org\n", "MACs leaves nothing that paramiko knows"),
    ],
)
def test_options_of_ssh_config(printed: str, what: str) -> None:
    assert lacks(printed, KEY) == what


def test_an_authority_on_record() -> None:
    found = lacks("", KEY, KEY._replace(marker="@cert-authority"))
    assert found == "known_hosts has a certificate authority for the host"
    assert lacks("", KEY._replace(marker="@revoked")) == ""


@pytest.mark.parametrize(
    ("printed", "valid", "used"),
    [
        ("gssapiauthentication yes\n", True, True),
        ("gssapiauthentication yes\n", False, False),
        ("gssapiauthentication no\n", True, False),
        ("", True, False),  # an ssh that was built without it
        ("gssapiauthentication yes\npreferredauthentications publickey\n", True, False),
        ("gssapiauthentication yes\npreferredauthentications publickey,gssapi-with-mic\n", True, True),
    ],
)
def test_kerberos_needs_a_ticket(ticket: Path, printed: str, valid: bool, used: bool) -> None:
    if valid:
        ticket.touch()
    assert bool(lacks(printed)) == used
