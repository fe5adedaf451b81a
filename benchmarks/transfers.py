"""How fast a tunnel is: connections, requests, and 100 MB each way."""

import asyncio
import http.client
import socket
import ssl
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from byte_server import PIECE, SIZE

MANY = 200  # requests at a time
BIG = "big.bin"  # of SIZE bytes, in the folder that the notebook server serves


class Client:
    """Asks the notebook server behind a port here, whose certificate and token these are."""

    def __init__(self, port: int, certificate: Path, token: str) -> None:
        self.port = port
        self._context = ssl.create_default_context(cafile=str(certificate))
        self._headers = {"Authorization": f"token {token}"}
        self._open: http.client.HTTPSConnection | None = None

    def _connect(self) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=300, context=self._context)

    def new(self) -> float:
        """Seconds for a new connection and one request."""
        began = time.perf_counter()
        connection = self._connect()
        self._ask(connection)
        took = time.perf_counter() - began
        connection.close()
        return took

    def again(self, path: str = "/api") -> float:
        """Seconds for one more request over a connection that stays open."""
        if self._open is None:
            self._open = self._connect()
            self._ask(self._open, "/api")
        began = time.perf_counter()
        self._ask(self._open, path)
        return time.perf_counter() - began

    def files(self) -> float:
        """As `again`, for the list of files, as the page asks for it."""
        return self.again("/api/contents?content=1")

    def many(self) -> float:
        """Seconds for many connections at a time, with one request each."""
        return asyncio.run(self._many())

    def down(self) -> float:
        """Seconds for a file of the server's, over TLS."""
        connection = self._connect()
        began = time.perf_counter()
        connection.request("GET", f"/files/{BIG}", headers=self._headers)
        response = connection.getresponse()
        buffer, got = bytearray(1 << 20), 0
        while read := response.readinto(buffer):
            got += read
        assert (response.status, got) == (200, SIZE), (response.status, got)
        took = time.perf_counter() - began
        connection.close()
        return took

    def _ask(self, connection: http.client.HTTPSConnection, path: str = "/api") -> None:
        connection.request("GET", path, headers=self._headers)
        response = connection.getresponse()
        assert response.status == 200, response.status
        response.read()

    async def _many(self) -> float:
        began = time.perf_counter()
        await asyncio.gather(*(self._one() for _ in range(MANY)))
        return time.perf_counter() - began

    async def _one(self) -> None:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.port, ssl=self._context, ssl_handshake_timeout=120
        )
        writer.write(b"GET /api HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 200")
        writer.close()


def raw_down(port: int) -> float:
    """Seconds for SIZE bytes from the byte server, without TLS."""
    began = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port), 300) as connection:
        connection.sendall(b"D")
        buffer, got = bytearray(1 << 20), 0
        while read := connection.recv_into(buffer):
            got += read
    assert got == SIZE, got
    return time.perf_counter() - began


def raw_up(port: int) -> float:
    """Seconds for SIZE bytes to the byte server, until it has them."""
    began = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port), 300) as connection:
        connection.sendall(b"U")
        left = SIZE
        while left:
            left -= connection.send(PIECE[:left])
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b"k"
    return time.perf_counter() - began


@dataclass
class Seconds:
    """What the same took by several ways, of which the first is the yardstick."""

    what: str
    of: dict[str, list[float]]

    def ratio(self, name: str) -> float:
        """That of the medians."""
        return statistics.median(self.of[name]) / statistics.median(self.of[next(iter(self.of))])

    def quiet_ratio(self, name: str) -> float:
        """That of the fastest tenths: of when the machine had least else to do."""
        fast = {each: sorted(times)[len(times) // 10] for each, times in self.of.items()}
        return fast[name] / fast[next(iter(fast))]


def compare(what: str, ways: Mapping[str, Callable[[], float]], rounds: int) -> Seconds:
    """Times ways that take turns."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            times[name].append(way())
    return Seconds(what, times)
