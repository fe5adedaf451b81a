"""The login page that is served: to its owner, once."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable

import pytest

from nbfab.tunnel import peer, served

PYTHON = "/usr/bin/python3"  # which others may run, too
FETCH = "import sys, urllib.request as r; print(r.build_opener(r.ProxyHandler({})).open(sys.argv[1]).status)"


def _on(page: Callable[[served.Page, list[str]], Awaitable[None]], *, anyone: bool = False) -> list[str]:
    """Serves one to `page`; what the user was warned of."""
    warned: list[str] = []

    async def run() -> None:
        made = served.Page("https://localhost:1", "the-nonce", warned.append, anyone=anyone)
        await made.listen()
        try:
            await page(made, warned)
        finally:
            made.remove()

    asyncio.run(run())
    return warned


async def _ask(page: served.Page, path: str = "", method: str = "GET", host: str = "", more: str = "") -> str:
    port = int(re.findall(r":([0-9]+)/", page.url)[0])
    path = path or page.url.rpartition("/")[2]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"{method} /{path} HTTP/1.1\r\nHost: {host or f'127.0.0.1:{port}'}\r\n{more}\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    return answer


def test_once() -> None:
    async def page(page: served.Page, warned: list[str]) -> None:
        assert re.fullmatch(r"http://127\.0\.0\.1:[0-9]+/[0-9a-f]{32}", page.url)
        first = await _ask(page)
        assert first.startswith("HTTP/1.1 200 ")
        assert 'value="the-nonce"' in first
        assert "Cache-Control: no-store" in first
        assert "Referrer-Policy: no-referrer" in first
        await asyncio.wait_for(page.used.wait(), 10)
        assert not warned
        second = await _ask(page)
        assert second.startswith("HTTP/1.1 410 ")
        assert "the-nonce" not in second

    assert ["a second time" in line for line in _on(page)] == [True]


def test_a_connection_that_asks_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """As browsers make them in advance."""
    idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def page(page: served.Page, warned: list[str]) -> None:
        port = int(re.findall(r":([0-9]+)/", page.url)[0])
        idle.append(await asyncio.open_connection("127.0.0.1", port))
        assert (await _ask(page)).startswith("HTTP/1.1 200 ")

    assert _on(page) == []
    assert not caplog.records


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"path": "favicon.ico"}, 404),
        ({"path": "0" * 32}, 404),
        ({"host": "localhost.example:80"}, 400),
        ({"method": "POST"}, 400),
        ({"more": "Sec-Purpose: prefetch;prerender\r\n"}, 503),
        ({"more": f"X: {'x' * 70_000}\r\n"}, None),
    ],
)
def test_other_requests_do_not_use_it(asked: dict[str, str], status: int | None) -> None:
    async def page(page: served.Page, warned: list[str]) -> None:
        try:
            answer = await _ask(page, **asked)
        except ConnectionError:
            answer = ""
        assert answer.startswith(f"HTTP/1.1 {status} " if status else "")
        assert "the-nonce" not in answer
        assert not page.used.is_set()
        assert (await _ask(page)).startswith("HTTP/1.1 200 ")

    assert _on(page) == []


@pytest.mark.parametrize("uid", [os.geteuid() + 1, None])
def test_not_for_another_user(monkeypatch: pytest.MonkeyPatch, uid: int | None) -> None:
    monkeypatch.setattr(served, "uid_of", lambda theirs, ours: uid)

    async def page(page: served.Page, warned: list[str]) -> None:
        assert (await _ask(page)).startswith("HTTP/1.1 403 ")
        assert not page.used.is_set()

    assert ["another user" in line for line in _on(page)] == [True]

    async def anyway(page: served.Page, warned: list[str]) -> None:
        assert (await _ask(page)).startswith("HTTP/1.1 200 ")

    assert _on(anyway, anyone=True) == []


def test_others_cannot_take_all_its_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    strangers = iter([os.geteuid() + 1] * 2 * served.MOST)
    monkeypatch.setattr(served, "uid_of", lambda theirs, ours: next(strangers, os.geteuid()))

    async def page(page: served.Page, warned: list[str]) -> None:
        port = int(re.findall(r":([0-9]+)/", page.url)[0])
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2 * served.MOST)]
        assert (await _ask(page)).startswith("HTTP/1.1 200 ")
        for _, writer in held:
            writer.close()

    assert _on(page) == []


_DROP = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--")
_WAYS = (_DROP, ("sudo", "-n", *_DROP), ("unshare", "--user", "--map-root-user", "--map-auto", "--", *_DROP))


def test_a_real_second_user() -> None:
    second = next((way for way in _WAYS if _runs(way, "").returncode == 0), None)
    if second is None:
        pytest.skip("takes root, sudo or subordinate uids (newuidmap)")

    async def page(page: served.Page, warned: list[str]) -> None:
        assert "HTTP Error 403" in (await asyncio.to_thread(_runs, second, FETCH, page.url)).stderr
        assert (await asyncio.to_thread(_runs, (), FETCH, page.url)).stdout == "200\n"

    assert "another user" in _on(page)[0]


def _runs(way: tuple[str, ...], code: str, *args: str) -> "subprocess.CompletedProcess[str]":
    command = [*way, PYTHON, "-Ic", code, *args]
    return subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)


def test_whose_connection_it_is() -> None:
    assert peer.can_tell()
    line = "   1: 0100007F:1F90 0100007F:2328 01 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0\n"
    mapped = line.replace("0100007F", "0000000000000000FFFF00000100007F")
    ends = ("127.0.0.1", 8080), ("127.0.0.1", 9000)
    if sys.byteorder == "little":
        assert peer.find(line, *ends) == peer.find(mapped, *ends) == 1000
        assert peer.find(line.replace(" 4711 ", " 0 "), *ends) is None  # closed
    assert peer.find(line, *reversed(ends)) is None
    assert peer.uid_of(*ends) is None
