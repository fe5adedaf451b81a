"""A password changes while the server runs."""

import time
from collections.abc import Callable, Iterator
from urllib.parse import urlencode

import pytest
from notebook_servers import FIRST, SECOND, TOKEN, Browser, Server, run
from websocket import ABNF, WebSocket


@pytest.fixture
def changing(guarded: Server) -> Iterator[Server]:
    """A server that has its first password again after the test."""
    yield guarded
    guarded.set_password(FIRST)


def close_code(socket: WebSocket) -> int:
    """The code with which the server closes a websocket."""
    end = time.monotonic() + 30
    while True:
        assert time.monotonic() < end
        opcode, data = socket.recv_data(control_frame=True)  # among them the server's pings
        if opcode == ABNF.OPCODE_CLOSE:
            return int.from_bytes(data[:2], "big")


def test_a_new_password_ends_sessions_and_no_kernel(changing: Server) -> None:
    old = Browser(changing)
    assert old.logs_in(FIRST)
    channels = old.channels()
    assert run(channels, "x = 42; x") == "42"

    changing.set_password(SECOND)
    assert close_code(channels) == 1008  # by itself: no one asks the server anything
    assert not old.is_in
    for wrong in (FIRST, SECOND.strip()):
        assert not Browser(changing).logs_in(wrong)
    new = Browser(changing)
    assert new.logs_in(SECOND)
    assert run(new.channels(old.kernel), "x") == "42"
    assert not old.is_in


BROKEN = [
    "",
    "{",
    "[]",
    "{}",
    '{{"{section}": {{"{trait}": ""}}}}',
    '{{"{section}": {{"{trait}": "argon2:nonsense"}}}}',
    None,
]


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_hash_lets_no_one_in(broken: str | None, changing: Server) -> None:
    browser = Browser(changing)
    assert browser.logs_in(FIRST)
    whole = changing.hash_file.read_text()
    if broken is None:
        changing.hash_file.unlink()
    else:
        names = ("NotebookApp", "password") if changing.kind.classic else ("IdentityProvider", "hashed_password")
        changing.write(broken.format(section=names[0], trait=names[1]) if "section" in broken else broken)
    assert not Browser(changing, cookies=dict(browser.cookies)).is_in
    assert not Browser(changing).is_in
    for password in ("", FIRST, "nonsense"):
        assert not Browser(changing).logs_in(password)
    changing.write(whole)
    assert Browser(changing, cookies=dict(browser.cookies)).is_in
    assert Browser(changing).logs_in(FIRST)


def test_what_the_server_started_with_does_not_count(own: Callable[..., Server]) -> None:
    """Its own trait has been loaded from the same file; sessions outlast a restart, also of a changed password."""
    server = own()
    server.set_password(SECOND)
    browser = Browser(server)
    assert not Browser(server).logs_in(FIRST)
    assert browser.logs_in(SECOND)
    kept = Browser(server, cookies=dict(browser.cookies))
    server.stop()
    whole = server.hash_file.read_text()
    server.hash_file.unlink()
    server.start()  # it starts all the same, and lets no one in
    assert not browser.logs_in(SECOND)
    assert not Browser(server).is_in
    server.write(whole)
    assert kept.is_in


def test_the_token_is_no_password_and_cannot_set_one(guarded: Server) -> None:
    browser = Browser(guarded)
    assert "new_password" not in browser.request("GET", "/login").text
    form = urlencode({"password": TOKEN, "new_password": "another one", "_xsrf": browser.cookies["_xsrf"]})
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert browser.request("POST", "/login", form, kind).status == 401
    assert browser.logs_in(FIRST)
    written = [path for path in guarded.folder.rglob("*.json") if "argon2:" in path.read_text()]
    assert written == [guarded.hash_file]
