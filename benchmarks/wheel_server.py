"""An index of packages from a folder of wheels: python benchmarks/wheel_server.py FOLDER PEM

It is at port 443 of all addresses; PEM is a file with its certificate and key. Prints `ready`, and then each file
that is asked for; ends on SIGTERM.
"""

import hashlib
import http.server
import re
import ssl
import sys
import zipfile
from pathlib import Path

FOLDER = Path(sys.argv[1])
SUMS = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in FOLDER.glob("*.whl")}


def project(name: str) -> str:
    """A name in its one form."""
    return re.sub(r"[-_.]+", "-", name).lower()


def page(name: str) -> bytes:
    """The page of a project."""
    files = (file for file in SUMS if project(file.partition("-")[0]) == name)
    link = '<a href="/files/{0}#sha256={1}" data-core-metadata="true">{0}</a>\n'
    return "".join(link.format(file, SUMS[file]) for file in files).encode()


def metadata(file: str) -> bytes:
    """What a wheel says of itself."""
    with zipfile.ZipFile(FOLDER / file) as archive:
        names = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return archive.read(min(names, key=len))


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers as an index."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """A page, a file, or what is in it."""
        kind, _, name = self.path.strip("/").partition("/")
        file = name.removesuffix(".metadata")
        if kind == "simple":
            text = page(name)
        elif file in SUMS:
            text = metadata(file) if file != name else (FOLDER / file).read_bytes()
            sys.stdout.write(f"{name}\n")  # at once, or lines of several threads would run together
            sys.stdout.flush()
        else:
            text = b""
        self.send_response(200 if text else 404)
        self.send_header("Content-Type", "text/html" if kind == "simple" else "application/octet-stream")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *words: object) -> None:
        """Says nothing."""


if __name__ == "__main__":
    server = http.server.ThreadingHTTPServer(("0.0.0.0", 443), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2])
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    print("ready", flush=True)
    server.serve_forever()
