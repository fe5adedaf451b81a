"""How long the three servers wait for a websocket that is silent, and which they close."""

import asyncio
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from notebook_servers import FIRST, LIMIT, Browser, Server, run
from tornado.websocket import WebSocketHandler
from websocket import ABNF, WebSocket, WebSocketException

from nbfab.server.sockets import PATIENCE, Sockets, be_patient


def test_the_limit_is_above_an_hour() -> None:
    """Of 90 s by default."""
    mixin = type("Mixin", (), {"ping_timeout": property(lambda self: 90_000)})
    be_patient(mixin)
    socket: Any = mixin()
    assert socket.ping_timeout == 90_000
    socket.nbfab_patient = True
    assert 3_600_000 < socket.ping_timeout == 90_000 * PATIENCE


def terminal(browser: Browser) -> WebSocket:
    """A websocket to a terminal."""
    name = browser.json("POST", "/api/terminals", {})["name"]
    return browser.websocket(f"/terminals/websocket/{name}")


OPENS: dict[str, Callable[[Browser], WebSocket]] = {"kernel": Browser.channels, "terminal": terminal}


def is_open(socket: WebSocket) -> bool:
    """Whether a websocket still answers, once all that was sent meanwhile is read."""
    try:
        socket.ping("here?")
        while True:
            opcode, data = socket.recv_data(control_frame=True)
            if opcode == ABNF.OPCODE_CLOSE:
                return False
            if opcode == ABNF.OPCODE_PONG and data == b"here?":
                return True
    except (OSError, WebSocketException):
        return False


@pytest.mark.parametrize("opens", OPENS)
def test_the_owner_s_websocket_outlives_a_silence(opens: str, guarded: Server) -> None:
    """Three times the limit, shortened here; those from elsewhere are closed as ever.

    The oldest server sends no pings to kernels' websockets, so it closes none.
    """
    owner, stranger = Browser(guarded), Browser(guarded, "203.0.113.77")
    assert owner.logs_in(FIRST)
    assert stranger.logs_in(FIRST)
    sockets = [OPENS[opens](browser) for browser in (owner, stranger)]
    assert [is_open(socket) for socket in sockets] == [True, True]
    time.sleep(3 * LIMIT)  # the silence
    stays = opens == "kernel" and not guarded.kind.pings_kernels
    assert [is_open(socket) for socket in sockets] == [True, stays]
    if opens == "kernel":
        assert run(sockets[0], "6 * 7") == "42"


def test_a_websocket_that_is_not_open_yet_is_closed_once_it_is() -> None:
    """It was let in by the old password, a moment before there was a new one."""

    class Handler(WebSocketHandler):
        def __init__(self) -> None:
            self.closed: list[object] = []

    async def look() -> None:
        sockets, early, late = Sockets(), Handler(), Handler()
        sockets.admit(early, "old", False, lambda: None)
        early.ws_connection = None
        sockets.close_others("new")
        sockets.admit(late, "new", False, lambda: None)
        for handler in (early, late):
            handler.ws_connection = SimpleNamespace(close=lambda *why, to=handler.closed: to.append(why))  # type: ignore[assignment]
        sockets.close_others("new")
        assert early.closed == [(1008, "password changed")]
        assert late.closed == []

    asyncio.run(look())
