"""The authority of a cluster: who is let in, and for how long."""

import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import certificates
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from nbfab.cluster import authority

NOW = 1_800_000_000.0
DAY = 86400
AUTHORITY = authority.make("hosts.yaml", NOW)
ROOT = authority.root(AUTHORITY)
CERTIFICATE, KEY = authority.sign(AUTHORITY, "gpu1", NOW)


def test_a_member_may_be_server_and_client_for_a_year_and_sign_nothing() -> None:
    made = x509.load_pem_x509_certificate(CERTIFICATE.encode())
    usage = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert {*usage} == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
    assert made.not_valid_after_utc == datetime.fromtimestamp(NOW, UTC) + timedelta(days=365)
    assert made.not_valid_before_utc < datetime.fromtimestamp(NOW, UTC), "a host's clock may be behind"
    assert not made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert [name.value for name in made.subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == ["gpu1"]
    made.verify_directly_issued_by(x509.load_pem_x509_certificate(ROOT.encode()))


def test_each_member_has_a_key_of_its_own() -> None:
    assert "PRIVATE" not in CERTIFICATE
    assert "CERTIFICATE" not in KEY
    public = load_pem_private_key(KEY.encode(), None).public_key()
    assert public == x509.load_pem_x509_certificate(CERTIFICATE.encode()).public_key()
    assert authority.sign(AUTHORITY, "gpu1", NOW)[1] != KEY


def test_hosts_get_the_authority_without_its_key() -> None:
    assert "PRIVATE" not in ROOT
    assert AUTHORITY.startswith(ROOT)
    root = x509.load_pem_x509_certificate(ROOT.encode())
    assert root.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert "hosts.yaml" in root.subject.rfc4514_string()


@pytest.mark.parametrize(
    ("days", "good"), [(-1, True), (0, True), (334, True), (335, False), (364, False), (366, False), (4000, False)]
)
def test_a_certificate_is_kept_until_thirty_days_before_its_end(days: int, *, good: bool) -> None:
    assert authority.has_signed(ROOT, CERTIFICATE, NOW + days * DAY) is good


def test_what_another_authority_of_the_same_name_has_signed_does_not_count() -> None:
    other = authority.make("hosts.yaml", NOW)
    assert authority.has_signed(authority.root(other), authority.sign(other, "gpu1", NOW)[0], NOW)
    assert not authority.has_signed(authority.root(other), CERTIFICATE, NOW)


@pytest.mark.parametrize("text", ["", "x", KEY, CERTIFICATE[:200], "näme 日本", "\udcff"])
def test_what_is_no_certificate_was_not_signed(text: str) -> None:
    assert not authority.has_signed(ROOT, text, NOW)
    assert not authority.has_signed(text, CERTIFICATE, NOW)


@pytest.mark.parametrize(("days", "good"), [(0, True), (3284, True), (3285, False), (4000, False)])
def test_an_authority_counts_as_long_as_it_outlives_what_it_signs(days: int, *, good: bool) -> None:
    assert authority.is_one(AUTHORITY, NOW + days * DAY) is good


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        ROOT,
        ROOT + KEY,
        AUTHORITY[len(ROOT) :],
        AUTHORITY[:-60],
        "näme 日本",
        "\udcff",
        CERTIFICATE + KEY,
    ],
)
def test_what_cannot_sign_is_no_authority(text: str) -> None:
    assert not authority.is_one(text, NOW - DAY)


NAMES = ["g", "gpu1.example.org", "2001:db8::1", "-n", 'it\'s "two"\nlines', "x" * 300]


@pytest.mark.parametrize("name", [*NAMES, "näme", "日本" * 30])
def test_any_name_of_an_inventory_and_of_a_host_will_do(name: str) -> None:
    made = authority.make(name, NOW)
    assert authority.has_signed(authority.root(made), authority.sign(made, name, NOW)[0], NOW)


@settings(max_examples=20)
@given(st.text(st.characters(max_codepoint=127, exclude_characters="\0"), min_size=1))
def test_a_long_name_is_cut(name: str) -> None:
    made = x509.load_pem_x509_certificate(authority.sign(AUTHORITY, name, NOW)[0].encode())
    assert name.startswith(str(made.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value))


class Peers:
    """Two members that connect to each other, as Dask and `look/pairs_probe.py` have TLS do it."""

    def __init__(self, folder: Path, flags: int) -> None:
        now = certificates.NOW.timestamp()
        self._ca, self._flags, self._folder = folder / "ca.pem", flags, folder
        made = authority.make("hosts.yaml", now)
        self._ca.write_text(authority.root(made))
        self.made = "".join(authority.sign(made, "gpu1", now))

    def context(self, purpose: ssl.Purpose, pem: str) -> ssl.SSLContext:
        """What a member with that certificate and key has."""
        node = self._folder / f"{purpose.name}.pem"
        node.write_text(pem)
        context = ssl.create_default_context(purpose, cafile=str(self._ca))
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= self._flags
        context.load_cert_chain(node)
        return context

    def meet(self, server: str, client: str) -> bool:
        """Whether a client with one certificate is let in by a server with another, and talks to it."""
        ours, theirs = socket.socketpair()
        said: list[bytes] = []

        def serve() -> None:
            try:
                with self.context(ssl.Purpose.CLIENT_AUTH, server).wrap_socket(ours, server_side=True) as tls:
                    said.append(tls.recv(9))
            except OSError:
                ours.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            with self.context(ssl.Purpose.SERVER_AUTH, client).wrap_socket(theirs) as tls:
                tls.sendall(b"hello")
        except OSError:
            theirs.close()
        thread.join()
        return said == [b"hello"]


@pytest.mark.parametrize(
    "flags",
    [
        pytest.param(0, id="until Python 3.12"),
        pytest.param(
            int(ssl.VERIFY_X509_STRICT),
            id="from Python 3.13 on",
        ),
    ],
)
def test_members_let_each_other_in(flags: int, tmp_path: Path) -> None:
    peers = Peers(tmp_path, flags)
    assert peers.meet(peers.made, peers.made)


def test_members_let_no_one_else_in(tmp_path: Path) -> None:
    peers, now = Peers(tmp_path, 0), certificates.NOW.timestamp()
    other = "".join(authority.sign(authority.make("hosts.yaml", now), "gpu1", now))
    assert not peers.meet(peers.made, other)
    assert not peers.meet(other, peers.made)
