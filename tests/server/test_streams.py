"""Every session of the three servers ends at once, when their owner has lost a laptop."""

import json
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from notebook_client import is_cut
from notebook_servers import FIRST, SECOND, TOKEN, Browser, Server, run
from sshd import wait_until
from websocket import WebSocket

from nbfab.server.known import Known


def terminal(browser: Browser) -> WebSocket:
    """A websocket to a terminal."""
    return browser.websocket(f"/terminals/websocket/{browser.json('POST', '/api/terminals', {})['name']}")


def test_all_connections_are_cut_and_kernels_and_terminals_go_on(own: Callable[..., Server]) -> None:
    server = own()
    old = Browser(server, "203.0.113.9")
    assert old.logs_in(FIRST)
    channels, shell = old.channels(), terminal(old)
    assert run(channels, "x = 42; x") == "42"
    idle = server.connect()
    idle.request("GET", "/api")
    idle.getresponse().read()
    assert json.loads((server.folder / "known.json").read_text()) == ["203.0.113.9"]
    began = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    began.sendall(b"GET /api HTTP/1.1\r\n")  # and so on, at length
    wait_until(lambda: server.ask("/nbfab-status"), "an answer")

    server.set_password(SECOND)
    ended = server.ask("/nbfab-end", "POST")
    for connection in (channels.sock, shell.sock, idle.sock, began):
        assert is_cut(connection)
    assert (ended["closed"] >= 4, ended["forgotten"]) == (True, True)
    assert not (server.folder / "known.json").exists()
    assert not old.is_in
    assert not Browser(server, "203.0.113.10").logs_in(FIRST)
    new = Browser(server)
    assert new.logs_in(SECOND)
    assert run(new.channels(old.kernel), "x") == "42"
    assert len(new.json("GET", "/api/terminals")) == 1
    began.close()


def test_a_login_that_works_once_ends_too(own: Callable[..., Server]) -> None:
    server = own()
    nonce = server.ask("/nbfab-login", "POST")["nonce"]
    server.ask("/nbfab-end", "POST")
    assert Browser(server).request("GET", f"/nbfab-login?nonce={nonce}").status == 410


def test_a_client_that_does_not_heed_a_close_is_cut(own: Callable[..., Server]) -> None:
    """By itself a websocket would take its messages for 5 s more."""
    server = own()
    thief = Browser(server)
    assert thief.logs_in(FIRST)
    channels = thief.channels()
    assert run(channels, "1") == "1"
    server.set_password(SECOND)
    began = time.monotonic()
    server.ask("/nbfab-end", "POST")
    assert is_cut(channels.sock)
    assert time.monotonic() - began < 4


def test_only_the_token_ends_sessions(guarded: Server) -> None:
    browser = Browser(guarded)
    assert browser.logs_in(FIRST)
    for headers in ({"X-XSRFToken": browser.cookies["_xsrf"]}, {"Authorization": f"token {TOKEN[1:]}"}):
        assert browser.request("POST", "/nbfab-end", headers=headers).status == 403
    assert guarded.ask("/nbfab-status")


def test_what_cannot_be_forgotten_for_good_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = Known(str(tmp_path / "known.json"))
    known.add("192.0.2.1")
    (tmp_path / "known.json").unlink()
    (tmp_path / "known.json").mkdir()
    assert not known.clear()
    assert "192.0.2.1" not in known
    (tmp_path / "known.json").rmdir()
    assert known.clear()
