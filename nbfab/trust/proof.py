"""The proof: a server here, for a moment, with a certificate of the authority, opened by what is installed."""

import contextlib
import socket
import ssl
import tempfile
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from nbfab.authority.signer import Signer
from nbfab.trust import system, tools
from nbfab.trust.do import Done
from nbfab.trust.machine import Machine, run

_PYTHON = """
import sys, urllib.request
no = urllib.request.ProxyHandler({})
urllib.request.build_opener(no).open(sys.argv[1], timeout=20).read()
"""
_REQUESTS = """
import sys, requests
with requests.Session() as session:
    session.get(sys.argv[1], timeout=20, proxies={"https": ""}).raise_for_status()
"""
_NODE = """
require("https").get(process.argv[1], answer => answer.resume())
  .on("error", error => { console.error(error.message); process.exitCode = 1; });
"""
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
_REPLACED = ("SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE")
"""Variables that name another store than the system's."""


def leaf_for_localhost(signer: Signer) -> bytes:
    """A key and its certificate for localhost, as PEM, for an hour."""
    own = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]))
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(False, None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    )
    made = signer.issue(builder, ("localhost",), now.timestamp())
    private = own.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + made.public_bytes(serialization.Encoding.PEM)


def prove(machine: Machine, leaf: bytes, *, in_system: bool) -> tuple[Done, ...]:
    """Opens a server that has the `leaf`, by each program that is installed.

    `in_system` is whether the system's store has the root: a program that goes by it is not expected to open it before.
    """
    with _server(leaf) as port:
        ended = tuple(_tried(machine, f"https://localhost:{port}/"))
    if in_system:
        return ended
    why = "it goes by the system's store, and refuses until that has it"
    return tuple(
        Done(done.what, done.path, "to do", why) if done.failed and done.what != "Node" else done for done in ended
    )


def _tried(machine: Machine, url: str) -> Iterator[Done]:
    programs = machine.programs
    if curl := programs.get("curl"):
        options = ("--silent", "--show-error", "--noproxy", "*", "--max-time", "20", "--output", "/dev/null")
        yield _try(machine, "curl", (curl, *options, url))
    if (python := programs.get("python3")) and machine.system == (system.MACOS,):
        why = "it does not go by the keychain; in a program of yours, truststore.inject_into_ssl() makes it"
        yield Done("Python", python, "not tried", why)
    elif python:
        yield _try(machine, "Python", (python, "-c", _PYTHON, url))
        if not run((python, "-c", "import requests"), machine.env).why:
            yield _try(machine, "Python's requests", (python, "-c", _REQUESTS, url))
    if node := programs.get("node"):
        yield _try(machine, "Node", (node, "-e", _NODE, url))


def _try(machine: Machine, what: str, argv: tuple[str, ...]) -> Done:
    """How a program ends: as it is started from here, and, if that fails, with the variables that nbfab's files set."""
    path, ours = argv[0], tools.variables(machine)
    why = run(argv, machine.env).why
    if not why:
        return Done(what, path, "opens")
    # Those of the user's own come first, as they do in a shell whose profile sets them later.
    if why := run(argv, {**ours, **machine.env}).why:
        return _refuses(machine, what, path, why)
    return Done(what, path, "opens", f"with what {tools.snippet(machine)} sets")


def _refuses(machine: Machine, what: str, path: str, why: str) -> Done:
    """That a program refuses the page, with the variables that may be the cause."""
    ours = tools.variables(machine)
    names = ("NODE_EXTRA_CA_CERTS",) if what == "Node" else _REPLACED
    given = {name: value for name in names if (value := machine.env.get(name)) and value != ours.get(name)}
    if not given:
        return Done(what, path, "refuses", why)
    also = " and ".join(f"{name}={value}" for name, value in given.items())
    fix = f"unset {' and '.join(given)}, or add what is in {tools.roots_file(machine)} to what is named there"
    return Done(what, path, "refuses", f"{why}; here it goes by {also}", (fix,))


@contextlib.contextmanager
def _server(leaf: bytes) -> Iterator[int]:
    """A server on this machine alone; its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile(prefix="nbfab-") as file:  # for its owner alone
        file.write(leaf)
        file.flush()
        context.load_cert_chain(file.name)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        ends = threading.Event()
        thread = threading.Thread(target=_serve, args=(listener, context, ends), daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            ends.set()
            thread.join()


def _serve(listener: socket.socket, context: ssl.SSLContext, ends: threading.Event) -> None:
    while not ends.is_set():
        with contextlib.suppress(OSError):  # of a client that refuses the certificate, too
            link, _ = listener.accept()
            link.settimeout(20)
            with link, context.wrap_socket(link, server_side=True) as stream:
                stream.recv(65536)
                stream.sendall(_ANSWER)
