"""A client with a certificate of its own: what a .p12 holds, and what a server answers to it."""

import re
import socket
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12
from machine import Machine
from websocket import WebSocket, create_connection

TRIES = 10  # of a connection, to learn why it is refused
SHOWN = re.compile(
    r"\n(/\S+\.p12): import it into the browser of (\S+); that asks for a password, shown this once:\n  (\S+)\n"
)


@dataclass
class Given:
    """What `client.add` has given to a user: a file, and its password."""

    path: Path
    password: str

    @property
    def pem(self) -> Path:
        """The same for programs that take a PEM."""
        key, certificate, _ = pkcs12.load_key_and_certificates(self.path.read_bytes(), self.password.encode())
        assert key
        assert certificate
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        pem = self.path.with_suffix(".pem")
        pem.write_bytes(secret + certificate.public_bytes(Encoding.PEM))
        return pem


def given(said: str) -> Given:
    """What a run of `client.add` gives."""
    found = SHOWN.search(said)
    assert found, said
    return Given(Path(found[1]), found[3])


def context(machine: Machine, pem: Path | None = None) -> ssl.SSLContext:
    """TLS that trusts the machine's certificate alone, and presents one."""
    made = ssl.create_default_context(cafile=str(machine.folder / "nbserver.pem"))
    if pem:
        made.load_cert_chain(pem)
    return made


class Connection:
    """A connection that is kept open. Raises OSError if it is refused, `session` is one to go on with."""

    def __init__(
        self, machine: Machine, tls: ssl.SSLContext, session: ssl.SSLSession | None = None, *, seconds: float = 10
    ) -> None:
        plain = socket.create_connection(("127.0.0.1", machine.port), seconds)
        self.socket = tls.wrap_socket(plain, server_hostname="localhost", session=session)

    def get(self, path: str = "/api") -> int:
        """The status that it is answered with."""
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        answer = self.socket.recv(65536)
        assert answer, "closed"
        return int(answer.split()[1])

    def is_closed(self, seconds: float) -> bool:
        """Whether the other end closes it within that time, though nothing is sent."""
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(1) == b""
        except TimeoutError:
            return False
        except OSError:
            return True


def refusal(machine: Machine, tls: ssl.SSLContext, session: ssl.SSLSession | None = None) -> str:
    """Why a connection is refused; empty if it is not.

    What the server says of it is lost where it has closed before it has read the request: then once more.
    """
    for _ in range(TRIES):
        try:
            return "" if Connection(machine, tls, session).get() == 200 else "another status"
        except ssl.SSLError as error:
            if error.reason and "EOF" not in error.reason:
                return error.reason
        except ConnectionError:
            continue
    return "closed without a word"


def websocket(machine: Machine, pem: Path, kernel: str, token: str) -> WebSocket:
    """A websocket to a kernel, as a page has it open."""
    return create_connection(
        f"wss://localhost:{machine.port}/api/kernels/{kernel}/channels",
        timeout=30,
        header={"Authorization": f"token {token}"},
        sslopt={"context": context(machine, pem)},
        http_no_proxy=["localhost"],
    )


def openssl_says(path: Path, password: str, *more: str) -> str:
    """What OpenSSL makes of a .p12."""
    words = ["openssl", "pkcs12", "-in", str(path), "-passin", f"pass:{password}", "-nokeys", "-info", *more]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr
