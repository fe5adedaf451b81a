"""A connection that proves its server by the certificate alone, before anything is sent."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from issuers import Issued, three

from nbfab.run.reach import reach
from nbfab.tunnel import once
from nbfab.tunnel.proven import Another, Proven, leaf

TOKEN = "canary-of-a-token"


class Notebook(BaseHTTPRequestHandler):
    """Hands out a login that works once; `asked` is who has asked for what."""

    asked: list[str]

    def do_POST(self) -> None:
        self.answer(b'{"nonce": "the-nonce"}')

    def do_GET(self) -> None:
        self.answer(b"{}")

    def answer(self, body: bytes) -> None:
        self.asked.append(f"{self.path} {self.headers['Authorization']}")
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(of: Issued, folder: Path) -> Iterator[tuple[int, list[str]]]:
    """The port of a server with that certificate, and what it was asked."""
    (folder / "pem").write_text(of.secret() + of.chain)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "pem")
    handler = type("Handler", (Notebook,), {"asked": []})
    server = HTTPServer(("127.0.0.1", 0), handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port, handler.asked  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        server.server_close()


CHAIN = three("gpu1.example.org")
KINDS = [
    CHAIN,
    three("*.example.org", kind="RSA-2048", start=-90, days=-2),
    Issued.root("CA").issue("box", kind="P-384", start=2),
    Issued.root("box"),
]


@pytest.mark.parametrize("of", KINDS, ids=["chain", "expired RSA", "no names, of tomorrow", "a root"])
def test_any_kind_of_certificate_is_proof_and_those_behind_it_do_not_count(of: Issued, tmp_path: Path) -> None:
    with serving(of, tmp_path) as (port, asked):
        for pem in (of.chain, of.pem, of.secret() + of.pem + "more"):
            assert once.ask(port, pem, TOKEN) == "the-nonce"
            assert reach("127.0.0.1", port, pem) == ""
    assert set(asked) == {f"/nbfab-login token {TOKEN}", "/api None"}


def test_nothing_is_sent_to_a_server_with_another(tmp_path: Path) -> None:
    assert CHAIN.issuer
    for other in (three("gpu1.example.org"), CHAIN.issuer.issue("gpu1.example.org", ["gpu1.example.org"])):
        with serving(other, tmp_path) as (port, asked):
            with pytest.raises(once.NoLogin, match="it has another certificate"):
                once.ask(port, CHAIN.chain, TOKEN)
            assert reach("127.0.0.1", port, CHAIN.chain) == "another certificate is there than the profile's"
            # That of its issuer is no proof, either.
            with pytest.raises(once.NoLogin, match="it has another certificate"):
                once.ask(port, CHAIN.issuer.pem, TOKEN)
        assert asked == []


def test_a_connection_that_is_made_again_proves_itself_again(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with serving(CHAIN, tmp_path) as (port, asked), serving(three("gpu1"), tmp_path / "other") as (other, spared):
        connection = Proven("127.0.0.1", port, CHAIN.chain, 20)
        connection.request("GET", "/api", headers={"Authorization": TOKEN})
        connection.getresponse().read()
        connection.port = other  # HTTP/1.0: the server has closed it
        with pytest.raises(Another, match="it has another certificate"):
            connection.request("GET", "/api", headers={"Authorization": TOKEN})
    assert (asked, spared) == ([f"/api {TOKEN}"], [])


@given(st.one_of(st.text(), st.builds(lambda text: f"{CHAIN.pem[:40]}{text}{CHAIN.pem[40:]}", st.text(max_size=9))))
def test_whatever_text_there_is_it_is_a_certificate_or_none(text: str) -> None:
    try:
        assert leaf(text)
    except ValueError:
        with pytest.raises(once.NoLogin, match="the host's certificate makes no sense"):
            once.ask(1, text, TOKEN)
