"""The server for pages of our own: what it answers, and whom."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from machine import ROOT
from sshd import free_port

from nbfab.tunnel import web
from nbfab.tunnel.web import Answer, Request, Web

Story = Callable[[Web, str], Awaitable[None]]


async def echo(request: Request) -> Answer:
    return Answer(f"{request.method} {request.path} {dict(request.form)}")


def serve(story: Story, **options: float) -> None:
    """A story about a server, which gets that and its secret."""

    async def whole() -> None:
        server = Web(echo, **options)  # type: ignore[arg-type]
        await server.listen()
        try:
            await asyncio.wait_for(story(server, server.url.split("/")[3]), 30)
        finally:
            await server.close()

    asyncio.run(whole())


async def send(server: Web, request: bytes) -> str:
    """What it answers to those bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    return answer.decode()


def get(path: str, host: str = "127.0.0.1:{port}", method: str = "GET", more: str = "") -> str:
    return f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n"


def post(more: str, form: str = "row=1", host: str = "127.0.0.1:{port}") -> str:
    return get("/{secret}/open", host, "POST", f"{more}Content-Length: {len(form)}\r\n") + form


OWN = "Origin: http://127.0.0.1:{port}\r\n"
ENDLESS = f"Content-Length: {'9' * 99}\r\n"
REQUESTS = {
    "the page": (get("/{secret}/"), 200),
    "no path, but a host": (get("//elsewhere"), 404),
    "neither": (get("//["), 404),
    "by the other name": (get("/{secret}/", "localhost:{port}"), 200),
    "with a query": (get("/{secret}/state?now"), 200),
    "a form": (post(OWN), 200),
    "a form as Chromium sends it": (post(OWN + "Sec-Fetch-Site: same-origin\r\n"), 200),
    "no secret": (get("/"), 404),
    "a wrong secret": (get("/{wrong}/"), 404),
    "a part of the secret": (get("/{part}/"), 404),
    "the secret without its slash": (get("/{secret}"), 404),
    "the secret further on": (get("/a/{secret}/"), 404),
    "a whole URL": (get("http://127.0.0.1:{port}/{secret}/"), 404),
    "bytes": (get("/\xe9\xff/"), 404),
    "another host": (get("/{secret}/", "evil.example:{port}"), 421),
    "another host without a port": (get("/{secret}/", "evil.example"), 421),
    "another port": (get("/{secret}/", "127.0.0.1:1"), 421),
    "no port": (get("/{secret}/", "127.0.0.1"), 421),
    "a name that ends alike": (get("/{secret}/", "evil.localhost:{port}"), 421),
    "no host": ("GET /{secret}/ HTTP/1.1\r\n\r\n", 421),
    "two hosts": (get("/{secret}/", more="Host: evil.example\r\n"), 400),
    "a form of another site": (post("Origin: https://evil.example\r\n"), 403),
    "a form of another port": (post("Origin: http://127.0.0.1:1\r\n"), 403),
    "a form of the other name": (post("Origin: http://localhost:{port}\r\n"), 403),
    "a form of a hidden origin": (post("Origin: null\r\n"), 403),
    "a form of no origin": (post(""), 403),
    "a form of another site, as Chromium tells": (post(OWN + "Sec-Fetch-Site: same-site\r\n"), 403),
    "a form without a length": (get("/{secret}/open", method="POST", more=OWN), 411),
    "a form in parts": (post(OWN + "Transfer-Encoding: chunked\r\n"), 411),
    "a form that is long": (post(OWN, "a" * (web.BODY + 1)), 413),
    "a form that says it is endless": (get("/{secret}/open", method="POST", more=OWN + ENDLESS), 413),
    "a form of many fields": (post(OWN, "&".join("a=b" for _ in range(20))), 400),
    "a form that is none": (post(OWN, "\xff\xfe"), 400),
    "another method": (get("/{secret}/", method="DELETE"), 405),
    "HEAD": (get("/{secret}/", method="HEAD"), 405),
    "no HTTP": ("hello\r\n\r\n", 400),
    "a header without a colon": (get("/{secret}/", more="hello\r\n"), 400),
    "a header that goes on": (get("/{secret}/", more="A: b\r\n c\r\n"), 400),
    "a head that is huge": (get("/{secret}/", more=f"A: {'b' * 2 * web.HEAD}\r\n"), 431),
}  # fmt: skip


@pytest.mark.parametrize("name", REQUESTS)
def test_what_is_answered(name: str) -> None:
    text, status = REQUESTS[name]

    async def story(server: Web, secret: str) -> None:
        wrong = secret[:-1] + ("a" if secret[-1] != "a" else "b")
        request = text.format(port=server.port, secret=secret, wrong=wrong, part=secret[:-1])
        answer = await send(server, request.encode("latin-1"))
        assert answer.startswith(f"HTTP/1.1 {status} "), answer
        assert "frame-ancestors 'none'" in answer
        assert "Cache-Control: no-store" in answer
        assert "Referrer-Policy: no-referrer" in answer
        if status != 200:
            assert "{}" not in answer
            assert secret not in answer

    serve(story)


async def answered(server: Web, secret: str) -> str:
    """What its owner gets; empty if nothing."""
    try:
        return await send(server, get(f"/{secret}/", f"127.0.0.1:{server.port}").encode())
    except ConnectionError:
        return ""


def test_a_request_that_is_slow_is_not_waited_for() -> None:
    async def story(server: Web, secret: str) -> None:
        began = time.monotonic()
        answer = await send(server, f"GET /{secret}/ HTTP/1.1\r\nHost:".encode())
        assert answer.startswith("HTTP/1.1 408 ")
        assert 0.3 <= time.monotonic() - began < 5

    serve(story, patience=0.3)


def test_requests_that_are_held_open_are_bounded() -> None:
    async def story(server: Web, secret: str) -> None:
        held = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(web.MOST)]
        assert not await answered(server, secret)
        for _, writer in held:
            writer.close()
        while not (answer := await answered(server, secret)):
            await asyncio.sleep(0.02)
        assert answer.startswith("HTTP/1.1 200 ")

    serve(story)


def test_a_port_that_is_taken_is_not_waited_for() -> None:
    async def story(server: Web, secret: str) -> None:
        other = Web(echo)
        await other.listen([server.port])
        assert other.port not in (0, server.port)
        assert other.url.split("/")[3] != secret
        await other.close()
        port = free_port()
        await other.listen([port])
        assert other.port == port
        await other.close()

    serve(story)


FETCH = """
import http.client, os, sys
import encodings.idna
os.setgid(65534); os.setuid(65534)
connection = http.client.HTTPConnection(sys.argv[1], timeout=20)
try:
    connection.request("GET", sys.argv[2])
    print(connection.getresponse().status)
except (http.client.HTTPException, OSError) as error:
    print("nothing")
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root may be another user")
def test_another_user_is_not_let_in_who_knows_the_secret() -> None:
    async def story(server: Web, secret: str) -> None:
        words = ("-c", FETCH, f"127.0.0.1:{server.port}", f"/{secret}/")
        process = await asyncio.create_subprocess_exec(sys.executable, *words, stdout=asyncio.subprocess.PIPE)
        out, _ = await process.communicate()
        assert out.split() == [b"nothing"]
        assert (await answered(server, secret)).startswith("HTTP/1.1 200 ")

    serve(story)


def test_the_page_needs_nothing_that_is_installed() -> None:
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import nbfab.tunnel.fleet_run; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-ISB", "-c", code], capture_output=True, text=True, check=True)
    assert not {"jinja2", "fabric", "invoke", "paramiko", "rich"} & set(done.stdout.split())
    assert Path(ROOT, "nbfab/tunnel/board.html").exists()
