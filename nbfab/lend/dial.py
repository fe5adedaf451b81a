"""Connections to port 443 of a host, as this machine makes them: directly, or through its own proxy."""

import base64
import os
import socket
import ssl
import time
import urllib.request
from contextlib import suppress
from urllib.parse import unquote, urlsplit

from nbfab.errors import CannotLend
from nbfab.lend.config import certificates
from nbfab.lend.proxy import PORT
from nbfab.lend.request import END, LONGEST
from nbfab.names import in_url

CONNECT = 15.0  # seconds, to a proxy that may have to look up a name and connect in turn


def proxies() -> dict[str, str]:
    """The proxies of this machine; urllib by itself does not go by ALL_PROXY."""
    found = urllib.request.getproxies()
    return dict.fromkeys(("http", "https"), found["all"]) | found if found.get("all") else found


def opener() -> urllib.request.OpenerDirector:
    """What fetches a URL here: through those proxies, and with the authorities that pip trusts beside the system's."""
    trust = ssl.create_default_context()
    for path in certificates():
        with suppress(ssl.SSLError):
            trust.load_verify_locations(path)
    handlers = urllib.request.ProxyHandler(proxies()), urllib.request.HTTPSHandler(context=trust)
    return urllib.request.build_opener(*handlers)


def proxy_for(host: str) -> str:
    """The URL of the proxy through which this machine reaches a host; empty if there is none."""
    url = proxies().get("https", "")
    if not url or urllib.request.proxy_bypass(host):
        return ""
    return url if "://" in url else f"http://{url}"


def check_proxy(host: str) -> None:
    """Raises CannotLend if the proxy of this machine is of a kind that nbfab cannot go through."""
    url = proxy_for(host)
    if not url:
        return
    try:
        parts = urlsplit(url)
        good, where = parts.scheme == "http" and parts.hostname, f"{parts.scheme}://{parts.hostname}"
        _ = parts.port  # which is read when it is asked for
    except ValueError:
        fix = "correct HTTPS_PROXY or ALL_PROXY here"
        raise CannotLend("this machine's own proxy has a URL that makes no sense", fix) from None
    if not good:
        raise CannotLend(f"this machine's own proxy is {where}, and nbfab goes through those of http:// only")


def dial(host: str) -> socket.socket:
    """A connection to a host. Raises OSError."""
    url = proxy_for(host)
    if not url:
        return _connected(host, PORT)
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise OSError("a proxy of another kind")
    connected = _connected(parts.hostname, parts.port or 80)
    try:
        _tunnel(connected, host, parts.username, parts.password)
    except BaseException:
        connected.close()
        raise
    return connected


def _connected(host: str, port: int) -> socket.socket:
    connected = socket.create_connection((host, port), CONNECT)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connected


def _tunnel(connected: socket.socket, host: str, user: str | None, password: str | None) -> None:
    """Has the proxy at the other end connect on to a host. Raises OSError."""
    target = f"{in_url(host)}:{PORT}"
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    if user is not None:
        basic = os.fsencode(f"{unquote(user)}:{unquote(password or '')}")
        lines.append(f"Proxy-Authorization: Basic {base64.b64encode(basic).decode()}")
    connected.sendall("\r\n".join(lines).encode() + END)
    head, end = b"", time.monotonic() + CONNECT
    while not head.endswith(END):
        connected.settimeout(max(0.01, end - time.monotonic()))
        part = connected.recv(1)  # what comes behind the head is the host's
        if not part or len(head) > LONGEST:
            raise OSError("the proxy of this machine does not answer as one")
        head += part
    status = head.split(b"\r\n", 1)[0].split(b" ")[1:2]
    if status[:1] != [b"200"]:
        raise OSError(f"the proxy of this machine refuses: {head[:60].decode('latin-1').splitlines()[0]}")
