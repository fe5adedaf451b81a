"""Which clients accept which certificates: python tls_clients.py FOLDER

Reads FOLDER/cases.json, a list of `case`, `host` and `pem`, a file; serves that on loopback, and lets every client open
https://host:port/. Prints as JSON what each made of it: true, false, or what went wrong besides the certificate.
"""

import contextlib
import ipaddress
import json
import os
import re
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypedDict

from chromium import chromium
from firefox import Firefox, firefox
from playwright.sync_api import Error, Page

# What Node says of a certificate. It has no words for some of OpenSSL's reasons: constraints, for one.
NODE_REFUSES = "CERT|SELF_SIGNED|UNABLE_TO|PATH_LENGTH|UNSPECIFIED|INVALID_CA"
# A shell into whose profile the line went that `nbfab trust` prints.
NODE_SHELL = 'variables=$HOME/.local/share/nbfab-trust/env.sh; [ ! -r "$variables" ] || . "$variables"; exec "$@"'
PYTHON = """
import ssl, sys, urllib.request
context = ssl.create_default_context()
context.verify_flags |= ssl.VERIFY_X509_STRICT
urllib.request.urlopen(sys.argv[1], context=context, timeout=60).read()
"""
NODE = """
require('https').get(process.argv[1], answer => answer.resume())
    .on('error', error => { console.error(error.code); process.exit(1); });
"""


class Case(TypedDict):
    """A server that clients open."""

    case: str
    host: str
    pem: str


Answer = bool | str


def commands(host: str, port: int) -> dict[str, tuple[list[str], str]]:
    """How each client opens a page, and what it says of a certificate that it refuses."""
    url = address(host, port)
    kind = "-verify_ip" if _is_address(host) else "-verify_hostname"
    openssl = ["openssl", "s_client", "-connect", f"{_bracketed(host)}:{port}", kind, host]
    if not _is_address(host):
        openssl += ["-servername", host]
    return {
        "curl": (["curl", "-sS", "-q", url], r"curl: \(60\)"),
        "wget": (["wget", "--no-config", "-nv", "-t1", "-O-", url], r"certificate"),
        "Python": ([sys.executable, "-I", "-c", PYTHON, url], "CERTIFICATE_VERIFY_FAILED"),
        "Node": (["sh", "-c", NODE_SHELL, "sh", "node", "-e", NODE, url], NODE_REFUSES),
        # It is written in Go, and opens URLs as Go does; a compiler would be a hundred times as large.
        "Go": (["gron", "--no-sort", url], "x509:|tls: failed to verify"),
        "OpenSSL": (
            [*openssl, "-x509_strict", "-verify_return_error", "-brief"],
            "verify error:|certificate verify failed",
        ),
    }


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def address(host: str, port: int) -> str:
    """The URL."""
    return f"https://{_bracketed(host)}:{port}/"


def opens(command: list[str], refusal: str) -> Answer:
    """Whether a command accepts the certificate; what it says, if that is about something else."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60)
    said = done.stdout + done.stderr
    if done.returncode == 0:
        return True
    return False if re.search(refusal, said) else f"{done.returncode}: {said}"


def shows(page: Page, url: str) -> Answer:
    """Whether Chromium shows a page."""
    try:
        page.goto(url)
    except Error as error:
        return False if "ERR_CERT_" in error.message else error.message
    return True


class _Handler(socketserver.BaseRequestHandler):
    """Answers anything with an empty object of JSON, once the client has accepted the certificate."""

    def handle(self) -> None:
        assert isinstance(self.server, _Server)
        self.request.settimeout(60)
        with contextlib.suppress(OSError), self.server.context.wrap_socket(self.request, server_side=True) as stream:
            if stream.recv(65536):
                kind = b"Content-Type: application/json\r\nContent-Length: 2\r\nConnection: close"
                stream.sendall(b"HTTP/1.1 200 OK\r\n%s\r\n\r\n{}" % kind)
                stream.unwrap()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, host: str, pem: str) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(pem)
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host if _is_address(host) else "127.0.0.1", 0), _Handler)


@contextlib.contextmanager
def served(host: str, pem: str) -> Iterator[int]:
    """A server with that certificate; its port."""
    with _Server(host, pem) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield int(server.server_address[1])
        server.shutdown()


def answers(case: Case, page: Page, fox: Firefox) -> dict[str, Answer]:
    """What each client makes of a server."""
    host = case["host"]
    with served(host, case["pem"]) as port, ThreadPoolExecutor() as pool:
        tried = commands(host, port)
        made = dict(zip(tried, pool.map(lambda of: opens(*of), tried.values()), strict=True))
        return made | {
            "Chromium": shows(page, address(host, port)),
            "Firefox": not fox.refuses(address(host, port)),
        }


def main() -> None:
    """The table."""
    folder, home = Path(sys.argv[1]), Path(os.environ["HOME"])
    cases: list[Case] = json.loads((folder / "cases.json").read_text())
    names = sorted({case["host"] for case in cases})
    with chromium(home, names) as browser, firefox(home, names) as fox:
        page = browser.new_page()
        print(json.dumps({case["case"]: answers(case, page, fox) for case in cases}))


if __name__ == "__main__":
    main()
