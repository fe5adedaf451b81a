"""A test's own index of packages, over HTTPS at port 443 of loopback, and a host that cannot reach it. Takes root."""

import hashlib
import http.server
import itertools
import json
import os
import shutil
import ssl
import threading
from pathlib import Path
from typing import Any, Self

import pytest
import wheel_index
from issuers import Issued
from machine import BIN, Machine
from namespace import ROOT_USER
from netns import Link
from sshd import Sshd
from wheel_index import VERSION

NEEDS = {
    "notebook": ("jupyter_server", "ipykernel"),
    "jupyter_server": (),
    "ipykernel": (),
    "matplotlib": (),
    "pip": (),
    "heavy": (),
}
_numbers = itertools.count(1)


def wheel(name: str, needs: tuple[str, ...], filling: int = 0) -> tuple[str, bytes]:
    """A wheel that has a module of one line, and as many bytes as it takes to notice: its file's name and text."""
    return f"{name}-{VERSION}-py3-none-any.whl", wheel_index.wheel(
        name, needs, more={f"{name}/filling": os.urandom(filling)}
    )


class OwnIndex:
    """The index, at `url`, whose files are at another address; `gate`, once cleared, holds back the files."""

    def __init__(self, folder: Path) -> None:
        if not ROOT_USER:
            pytest.skip("takes root: port 443")
        number = next(_numbers)
        self.address, self.files = (f"127.77.{os.getpid() % 250}.{2 * number + more}" for more in (0, 1))
        self.url = f"https://{self.address}/simple"
        root = Issued.root("Index CA")
        leaf = root.issue(self.address, (self.address, self.files))
        self.authority = folder / "index-ca.pem"
        self.authority.write_text(root.pem)
        pem = folder / "index.pem"
        pem.write_text(leaf.secret() + leaf.chain)
        self.wheels = dict(wheel(name, needs, 3_000_000 if name == "heavy" else 0) for name, needs in NEEDS.items())
        self.asked: list[str] = []
        self.gate = threading.Event()
        self.gate.set()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        self._servers = [self._serve(address, context) for address in (self.address, self.files)]

    def _serve(self, address: str, context: ssl.SSLContext) -> http.server.ThreadingHTTPServer:
        index = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self) -> None:
                self.do_GET()

            def do_GET(self) -> None:
                index.asked.append(f"{address}{self.path}")
                status, kind, text = index.answer(address, self.path)
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(text)

            def log_message(self, *words: Any) -> None:
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *about: Any) -> None:
                pass  # a client that hangs up

        server = Server((address, 443), Handler)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return server

    def answer(self, address: str, path: str) -> tuple[int, str, bytes]:
        """What is at a path: the page of a project at the one address, a file at the other."""
        name = path.strip("/").rpartition("/")[2].replace("-", "_")
        if address == self.files:
            self.gate.wait(60)
            file = path.rpartition("/")[2]
            return (200, "application/zip", self.wheels[file]) if file in self.wheels else (404, "text/plain", b"")
        if not path.startswith("/simple/") or name not in NEEDS:
            return 404, "text/plain", b""
        (file,) = (file for file in self.wheels if file.startswith(f"{name}-"))
        digest = hashlib.sha256(self.wheels[file]).hexdigest()
        link = {"filename": file, "url": f"https://{self.files}/{file}", "hashes": {"sha256": digest}}
        page = {"meta": {"api-version": "1.0"}, "name": name, "files": [link]}
        return 200, "application/vnd.pypi.simple.v1+json", json.dumps(page).encode()

    def close(self) -> None:
        """Ends it."""
        self.gate.set()
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class Offline:
    """A host in a network without a route, whose pip and uv name the index, and a person who reaches both."""

    def __init__(self, folder: Path, index: OwnIndex, link: Link, *, tool: str = "pip", lines: str = "") -> None:
        hidden = [f"{place}/uv" for place in os.environ["PATH"].split(":")] if tool == "pip" else []
        replace = {path: "/dev/null" for path in hidden if os.path.exists(path) and path.startswith("/usr")}
        self.link, self.index = link, index
        self.sshd = Sshd(folder / "host", within=link.within, replace=replace)
        self.sshd.stop()
        self.sshd._lines = f"ListenAddress {link.address}:{self.sshd.port}\n{lines}"
        self.sshd.start()
        self.route()
        home = self.sshd.home
        for name, text in (
            ("pip/pip.conf", f"[global]\nindex-url = {index.url}\ncert = {index.authority}\n"),
            ("uv/uv.toml", f'index-url = "{index.url}"\n'),
        ):
            (home / ".config" / name).parent.mkdir(parents=True)
            (home / ".config" / name).write_text(text)
        if tool == "uv":
            uv = shutil.which("uv", path=f"{BIN}:{os.environ['PATH']}")
            assert uv, "uv is installed with what the tests need"
            own = home / ".local/bin"
            own.mkdir(parents=True)
            (own / "uv").write_text(f'#!/bin/sh\nexport SSL_CERT_FILE={index.authority}\nexec {uv} "$@"\n')
            (own / "uv").chmod(0o755)
        self.machine = Machine(folder, self.sshd, "nbfab")
        self.machine.env |= {
            "NBFAB_PYTHON": "new",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_INDEX_URL": index.url,
            "SSL_CERT_FILE": str(index.authority),
        }

    def route(self, more: str = "", address: str = "") -> None:
        """How `ssh` gets there."""
        name = f"[127.0.0.1]:{self.sshd.port}"
        lines = f"HostName {address or self.link.address}\n  HostKeyAlias {name}\n  CheckHostIP no\n  {more}\n"
        self.sshd.write_config(f"Host box\n  {lines}")

    @property
    def made(self) -> Path:
        """What shows that the packages of the index are there."""
        return self.sshd.home / ".local/share/nbfab/.venv/complete"

    def close(self) -> None:
        """Ends it."""
        self.machine.close()
        self.sshd.stop()
