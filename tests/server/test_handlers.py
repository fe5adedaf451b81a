"""The login form's handler without a notebook server around it, for what happens at one moment."""

import asyncio
import json
import logging
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPResponse
from tornado.httpserver import HTTPServer
from tornado.web import Application

from nbfab.server import logins
from nbfab.server.checker import WAITING
from nbfab.server.guard import Guard
from nbfab.server.hashed import Hashed
from nbfab.server.logins import CountedLogin
from nbfab.server.peers import Peer


class Login(CountedLogin):
    log = logging.getLogger("server")

    def log_in(self) -> None:
        self.set_cookie("in", "yes")

    def render_template(self, name: str, **words: object) -> str:
        return json.dumps(words["message"])


class Page:
    """A login page whose guard sees every request as from `peer`."""

    def __init__(self, folder: Path, peer: Peer) -> None:
        self.file = folder / "settings.json"
        self.file.write_text('{"a": {"b": "old"}}')
        self.checked: list[str] = []
        self.guard = Guard(str(folder), Hashed(str(self.file), "a", "b"), self.check)
        self.guard.peers = SimpleNamespace(of=lambda request: peer)  # type: ignore[assignment]
        (folder / "secret").write_text("secret")
        self.app = Application([("/login", type("Login", (Login,), {"guard": self.guard}))], base_url="/")
        secret = str(folder / "secret")
        kernels = SimpleNamespace(start_watching_activity=None)
        self.guard.start(SimpleNamespace(web_app=self.app, cookie_secret_file=secret, kernel_manager=kernels), "token")

    def check(self, hashed: str, typed: str) -> bool:
        """Takes a password that is the same as the hash."""
        self.checked.append(typed)
        return hashed == typed

    def post(self, *bodies: str) -> list[HTTPResponse]:
        """The answers to forms that are sent at the same time."""

        async def go() -> list[HTTPResponse]:
            server = HTTPServer(self.app)
            server.listen(0, "127.0.0.1")
            port = next(iter(server._sockets.values())).getsockname()[1]
            client = AsyncHTTPClient(force_instance=True, max_clients=200)
            url = f"http://127.0.0.1:{port}/login"
            fetches = [
                client.fetch(url, method="POST", body=body, follow_redirects=False, raise_error=False)
                for body in bodies
            ]
            answers = await asyncio.gather(*fetches)
            server.stop()
            return list(answers)

        return asyncio.run(go())


STRANGER, OWNER = Peer("192.0.2.1", False, "192.0.2.1"), Peer("uid 1000", True, "127.0.0.1 (uid 1000)")


def test_a_password_that_is_replaced_while_it_is_checked_is_not_taken(tmp_path: Path) -> None:
    """The cookie would be one of the new password's."""

    class Slow(Page):
        def check(self, hashed: str, typed: str) -> bool:
            self.file.write_text('{"a": {"b": "another"}}')
            return super().check(hashed, typed)

    answer = Slow(tmp_path, STRANGER).post("password=old")[0]
    assert (answer.code, answer.headers.get("Set-Cookie")) == (401, None)


def test_of_guesses_at_the_same_time_two_are_checked(tmp_path: Path) -> None:
    page = Page(tmp_path, STRANGER)
    codes = [answer.code for answer in page.post(*["password=guess"] * 20)]
    assert (codes.count(401), codes.count(429)) == (2, 18)
    assert page.checked == ["guess"] * 2


def test_a_right_password_costs_nothing(tmp_path: Path) -> None:
    page = Page(tmp_path, STRANGER)
    for _ in range(5):
        assert page.post("password=old")[0].code == 302


@pytest.mark.parametrize("typed", ["", "x" * 4097, "%E2%98%83" * 1366])
def test_what_can_be_no_password_is_not_hashed(typed: str, tmp_path: Path) -> None:
    page = Page(tmp_path, OWNER)
    assert page.post(f"password={typed}")[0].code == 401
    assert page.checked == []
    page.post(f"password={'x' * 4096}")
    assert page.checked == ["x" * 4096]


def test_only_so_many_wait_for_their_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(Page):
        def check(self, hashed: str, typed: str) -> bool:
            time.sleep(0.01)
            return super().check(hashed, typed)

    monkeypatch.setattr(logins, "PAUSE", 0.0)
    codes = [answer.code for answer in Slow(tmp_path, OWNER).post(*["password=guess"] * (WAITING + 50))]
    assert codes.count(401) >= WAITING
    assert codes.count(429) >= 20


def test_what_cannot_be_noted_keeps_no_one_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    page = Page(tmp_path, STRANGER)
    (tmp_path / "known.json.new").mkdir()
    assert page.post("password=old")[0].code == 302
    assert "Cannot note where logins come from" in caplog.text


def test_a_hash_that_the_library_does_not_know_matches_nothing(tmp_path: Path) -> None:
    class Strange(Page):
        def check(self, hashed: str, typed: str) -> bool:
            raise ValueError(hashed)

    assert Strange(tmp_path, OWNER).post("password=old")[0].code == 401
