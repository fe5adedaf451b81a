"""The program that asks the server, on a host: it gives the token to no server but that of the certificate."""

import json
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from issuers import Issued, three
from machine import ROOT

TOKEN = "canary-of-a-token"
PROBE = (ROOT / "nbfab/look/server_probe.py").read_text()


class Notebook(BaseHTTPRequestHandler):
    """A server as far as the program asks; `asked` are the tokens that it was given."""

    protocol_version = "HTTP/1.1"
    asked: list[str]
    after: Any

    def do_GET(self) -> None:
        self.asked.append(str(self.headers["Authorization"]))
        path, _, rest = self.path.partition("?")
        assert rest == "no_track_activity=1"
        body = b"[]" if path not in ("/api/status", "/nbfab-status") else b"{}"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        if self.after and path == "/api/status":
            self.after()
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(folder: Path, leaf: Issued, then: Issued | None = None) -> Iterator[list[str]]:
    """A server with that certificate, which the process of the test is; after its first answer with `then`."""
    context, shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), folder / "shown.pem"
    context.set_alpn_protocols(["http/1.1"])

    def show(of: Issued) -> None:
        shown.write_text(of.secret() + of.chain)
        context.load_cert_chain(shown)

    show(leaf)
    handler = type("Handler", (Notebook,), {"asked": [], "after": staticmethod(lambda: show(then)) if then else None})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    (folder / "runtime").mkdir()
    note = {"hostname": "127.0.0.1", "port": server.server_port, "token": TOKEN}
    (folder / f"runtime/jpserver-{os.getpid()}.json").write_text(json.dumps(note))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield handler.asked  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        server.server_close()


def probe(folder: Path) -> tuple[int, dict[str, Any]]:
    """How the program ends, and its answer."""
    words = [sys.executable, "-I", "-S", "-B", "-c", PROBE, str(folder), str(os.getpid()), "nbserver.pem", "0", "1"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize(
    "leaf",
    [
        three("box"),
        three("127.0.0.1", kind="RSA-2048"),
        three("box", kind="P-384", start=-90, days=-2),
        Issued.root("Lab CA").issue("box"),
        Issued.root("box", start=3),
    ],
    ids=["chain", "RSA", "expired P-384", "no names", "a root of tomorrow"],
)
def test_a_server_with_any_kind_of_certificate_answers_if_it_is_the_profile_s(leaf: Issued, tmp_path: Path) -> None:
    (tmp_path / "nbserver.pem").write_text(leaf.secret() + leaf.chain)
    with serving(tmp_path, leaf) as asked:
        status, answer = probe(tmp_path)
    assert (status, answer["ready"]) == (10, True)
    assert asked
    assert set(asked) == {f"token {TOKEN}"}


def test_what_stands_beside_the_certificate_may_be_in_any_encoding(tmp_path: Path) -> None:
    leaf = three("127.0.0.1")
    (tmp_path / "nbserver.pem").write_bytes(
        "friendlyName: Müller\n".encode("latin-1") + (leaf.secret() + leaf.chain).encode()
    )
    with serving(tmp_path, leaf):
        assert probe(tmp_path)[1]["ready"] is True


def test_another_server_is_not_given_the_token(tmp_path: Path) -> None:
    leaf = three("127.0.0.1")
    (tmp_path / "nbserver.pem").write_text(leaf.secret() + leaf.chain)
    assert leaf.issuer
    for other in (three("127.0.0.1"), leaf.issuer.issue("127.0.0.1", ["127.0.0.1"])):
        folder = tmp_path / str(id(other))
        folder.mkdir()
        (folder / "nbserver.pem").write_text(leaf.secret() + leaf.chain)
        with serving(folder, other) as asked:
            status, answer = probe(folder)
        assert (status, answer) == (11, {"ready": False, "reason": "its certificate is not the profile's"})
        assert asked == []


def test_nor_is_one_that_takes_its_place_after_an_answer(tmp_path: Path) -> None:
    leaf = three("127.0.0.1")
    (tmp_path / "nbserver.pem").write_text(leaf.secret() + leaf.chain)
    with serving(tmp_path, leaf, then=three("127.0.0.1")) as asked:
        status, answer = probe(tmp_path)
    assert (status, answer["ready"]) == (11, False)
    assert len(asked) == 1


@pytest.mark.parametrize(
    "text", ["", "-----BEGIN CERTIFICATE-----\n", "no PEM", "-----BEGIN CERTIFICATE-----\n=\n-----END"]
)
def test_a_file_that_holds_no_certificate_is_no_proof(text: str, tmp_path: Path) -> None:
    (tmp_path / "nbserver.pem").write_text(text)
    with serving(tmp_path, three("127.0.0.1")) as asked:
        status, answer = probe(tmp_path)
    assert (status, answer["ready"], asked) == (11, False, [])
