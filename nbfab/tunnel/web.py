"""A small web server for pages of our own: on loopback, for its owner's sockets, behind a path that no one guesses."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import field
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from nbfab.records import dataclass
from nbfab.tunnel import peer

HEAD = 1 << 16  # bytes of a request's head: a browser may send the cookies of every server on localhost
BODY = 4096  # bytes of a form
PATIENCE = 10.0  # seconds for all of a request, and as many for its answer to be taken
MOST = 64  # connections at a time
NAMES = ("127.0.0.1", "localhost")


@dataclass(frozen=True)
class Request:
    """What is asked for, below the secret path; a form has each of its fields once."""

    method: str
    path: str
    form: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """A page; `policy` says what it may load and run, `referrer` what others are told of it, `location` where to go."""

    body: str = ""
    status: int = 200
    kind: str = "text/html"
    policy: str = "default-src 'none'"
    referrer: str = "no-referrer"
    location: str = ""


Handler = Callable[[Request], Awaitable[Answer]]


class Refused(Exception):
    """A request that is not answered as it would like; its status, and why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Web:
    """Answers at a port of 127.0.0.1, once it listens; `uid` is the one user who is let in, where that can be told."""

    def __init__(self, handler: Handler, uid: int | None = None, patience: float = PATIENCE) -> None:
        self.port = 0
        self._handler, self._uid, self._patience = handler, os.getuid() if uid is None else uid, patience
        self._can_tell = peer.can_tell()
        self._secret = secrets.token_urlsafe(24)
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """The page, with its secret path. By address: cookies of servers on localhost are none of its business."""
        return f"http://127.0.0.1:{self.port}/{self._secret}/"

    async def listen(self, ports: Iterable[int] = ()) -> None:
        """Answers from now on, at the first of those ports that is free, or any. Raises OSError."""
        for port in ports:
            with suppress(OSError):
                return await self._listen(port)
        await self._listen(0)

    async def _listen(self, port: int) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, limit=HEAD)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Ends it, with what it has not answered."""
        if self._server is not None:
            self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        if len(self._open) >= MOST or not self._is_owner(writer.get_extra_info("peername")):
            writer.transport.abort()  # without a word, and without a place: a stranger could take them all
            return
        self._open.add(task)
        try:
            answer = await self._answer(reader)
            writer.write(_bytes(answer))
            async with asyncio.timeout(self._patience):
                await writer.drain()
                writer.write_eof()
                while await reader.read(BODY):  # what is left of a request that was too long, or its end is not seen
                    pass
        except (OSError, EOFError, TimeoutError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(task)
            writer.transport.abort()

    def _is_owner(self, client: peer.End) -> bool:
        """Whether a connection is the owner's, where that can be told."""
        return not self._can_tell or peer.uid_of(client, ("127.0.0.1", self.port)) == self._uid

    async def _answer(self, reader: asyncio.StreamReader) -> Answer:
        try:
            async with asyncio.timeout(self._patience):
                request = await self._read(reader)
        except Refused as error:
            return Answer(f"{error}\n", error.status, "text/plain")
        except TimeoutError:
            return Answer("the request did not come in time\n", 408, "text/plain")
        return await self._handler(request)

    async def _read(self, reader: asyncio.StreamReader) -> Request:
        """A request that may be answered. Raises Refused, EOFError."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            raise Refused(431, "the head of the request is too long") from None
        first, *lines = head.decode("latin-1").split("\r\n")[:-2]
        words = first.split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            raise Refused(400, "this is no request")
        headers = _headers(lines)
        path = self._inside(words[1], headers)
        if words[0] == "GET":
            return Request("GET", path)
        if words[0] != "POST":
            raise Refused(405, "this page knows GET and POST")
        self._same_origin(headers)
        return Request("POST", path, await _form(reader, headers))

    def _inside(self, target: str, headers: Mapping[str, str]) -> str:
        """The path below the secret one. Raises Refused: another Host is that of a page that was led here by DNS."""
        if headers.get("host") not in [f"{name}:{self.port}" for name in NAMES]:
            raise Refused(421, "this is not the host that was asked for")
        try:
            path = urlsplit(target).path if target.startswith("/") else ""
        except ValueError:  # as of "//["
            path = ""
        _, first, *rest = (path if path.startswith("/") else "/").split("/", 2)
        if not secrets.compare_digest(first.encode("latin-1"), self._secret.encode()) or not rest:
            raise Refused(404, "there is no such page")
        return rest[0]

    def _same_origin(self, headers: Mapping[str, str]) -> None:
        """Raises Refused unless a form was sent from a page of ours."""
        own = f"http://{headers['host']}"
        if headers.get("origin") != own or headers.get("sec-fetch-site", "same-origin") != "same-origin":
            raise Refused(403, "this form was sent from another page")


def _headers(lines: Iterable[str]) -> Mapping[str, str]:
    """Headers by their names in lower case. Raises Refused."""
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        name = name.lower()
        if not colon or name != name.strip() or (name in headers and name in ("host", "origin", "content-length")):
            raise Refused(400, "a header makes no sense")
        headers[name] = value.strip(" \t")
    return headers


async def _form(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> Mapping[str, str]:
    """The fields of a form. Raises Refused, EOFError."""
    length = headers.get("content-length", "")
    if "transfer-encoding" in headers or not (length.isascii() and length.isdigit()):
        raise Refused(411, "the length of the form is missing")
    if len(length) > 9 or int(length) > BODY:
        raise Refused(413, "the form is too long")
    body = await reader.readexactly(int(length))
    try:
        return {name: values[0] for name, values in parse_qs(body.decode("ascii"), max_num_fields=10).items()}
    except ValueError:
        raise Refused(400, "this is no form") from None


def _bytes(answer: Answer) -> bytes:
    body = answer.body.encode("utf-8", "backslashreplace")
    headers = {
        "Content-Type": f"{answer.kind}; charset=utf-8",
        "Content-Length": str(len(body)),
        "Content-Security-Policy": f"{answer.policy}; base-uri 'none'; frame-ancestors 'none'",
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": answer.referrer,
        "Cache-Control": "no-store",
        "Connection": "close",
    }
    if answer.location:
        headers["Location"] = answer.location
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}\r\n{lines}\r\n".encode("latin-1") + body
