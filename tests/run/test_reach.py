"""Whether a server can be reached from here: only with its own certificate, self-signed or issued by an authority."""

import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sshd import free_port

from nbfab.run import identity
from nbfab.run.reach import reach


class Notebook(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/api" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def certificate(issuer: str, key: ec.EllipticCurvePrivateKey, signer: ec.EllipticCurvePrivateKey) -> str:
    """A certificate for localhost."""
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(signer, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture(params=["localhost", "some authority"])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[int, str]]:
    """The port of a server, and its certificate, which it has issued itself or an authority has."""
    key = ec.generate_private_key(ec.SECP256R1())
    signer = key if request.param == "localhost" else ec.generate_private_key(ec.SECP256R1())
    pem = certificate(request.param, key, signer)
    encoded = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "pem").write_text(pem + encoded.decode())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "pem")
    server = HTTPServer(("127.0.0.1", 0), Notebook)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port, pem
    server.shutdown()
    server.server_close()


def test_a_server_with_its_certificate_is_reached(served: tuple[int, str]) -> None:
    assert reach("localhost", *served) == ""


def test_another_certificate_is_not_taken_for_its_own(served: tuple[int, str]) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    other = certificate("localhost", key, key)
    assert reach("localhost", served[0], other) == "another certificate is there than the profile's"


def test_a_port_where_none_listens_and_a_certificate_that_is_none() -> None:
    assert reach("localhost", free_port(), "") != ""
    key = ec.generate_private_key(ec.SECP256R1())
    assert reach("localhost", free_port(), certificate("localhost", key, key)) == "Connection refused"


def test_our_own_certificate_is_no_business_of_a_server_that_asks_for_none(
    served: tuple[int, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "path", lambda: tmp_path / "client.pem")
    (tmp_path / "client.pem").write_text("broken")
    assert reach("localhost", *served) == ""
    assert "PEM" in reach("localhost", *served, presents=True)
