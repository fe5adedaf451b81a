"""What nbfab asks the three servers for: what they know, and logins that work once."""

from urllib.parse import quote, urlencode

import pytest
from notebook_servers import FIRST, TOKEN, Browser, Server

from nbfab.server import VERSION


@pytest.mark.parametrize(("method", "path"), [("GET", "/nbfab-status"), ("POST", "/nbfab-login")])
def test_only_the_token_is_answered(method: str, path: str, guarded: Server) -> None:
    browser = Browser(guarded)
    assert browser.request(method, path).status == 403
    assert browser.logs_in(FIRST)
    assert browser.request(method, path, headers={"X-XSRFToken": browser.cookies["_xsrf"]}).status == 403
    for wrong in ("", "c0ffee", TOKEN.upper()):
        assert Browser(guarded).request(method, path, headers={"Authorization": f"token {wrong}"}).status == 403
    assert Browser(guarded).request(method, path, headers={"Authorization": f"token {TOKEN}"}).status == 200


def test_the_status_tells_of_failed_logins(guarded: Server) -> None:
    before = guarded.ask("/nbfab-status")
    Browser(guarded).log_in("wrong")
    after = guarded.ask("/nbfab-status")
    assert after["version"] == VERSION
    assert after["failed"]["count"] == before["failed"]["count"] + 1
    assert after["failed"]["since"] == before["failed"]["since"] > 1_700_000_000
    assert after["tcp_kernels"] == []


def link(server: Server, after: str = "/") -> str:
    """The path of a login that works once."""
    given = server.ask("/nbfab-login", "POST")
    assert given["seconds"] == 60
    return f"/nbfab-login?nonce={given['nonce']}&next={quote(after, safe='')}"


def test_a_login_works_once(guarded: Server) -> None:
    path = link(guarded, "/tree/a%20b.ipynb?x#y")
    browser = Browser(guarded, "203.0.113.1")
    answer = browser.request("GET", path)
    assert (answer.status, answer.headers["Location"]) == (302, "/tree/a%20b.ipynb?x#y")
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert browser.is_in
    thief = Browser(guarded, "203.0.113.2")
    answer = thief.request("GET", path)
    assert answer.status == 410
    assert "Run open again" in answer.text
    assert not thief.is_in
    log = guarded.log.read_text()
    assert "One-time login refused from 203.0.113.2: used, or too late" in log
    assert path.partition("nonce=")[2][:20] not in log


def test_a_form_is_a_login_too(guarded: Server) -> None:
    nonce = guarded.ask("/nbfab-login", "POST")["nonce"]
    form, kind = urlencode({"nonce": nonce, "next": "/tree/a"}), {"Content-Type": "application/x-www-form-urlencoded"}
    browser = Browser(guarded)
    answer = browser.request("POST", "/nbfab-login", form, kind)
    assert (answer.status, answer.headers["Location"]) == (302, "/tree/a")
    assert browser.is_in
    thief = Browser(guarded)
    assert thief.request("POST", "/nbfab-login", form, kind).status == 410
    assert not thief.is_in


@pytest.mark.parametrize("nonce", ["", "x", "\x00", "é", "A" * 43])
def test_a_guess_is_refused(nonce: str, guarded: Server) -> None:
    browser = Browser(guarded)
    assert browser.request("GET", f"/nbfab-login?nonce={quote(nonce)}").status == 410
    assert not browser.is_in


@pytest.mark.parametrize("after", ["//evil.example", "https://evil.example/", "\\\\evil.example", "../evil"])
def test_a_login_leads_to_this_server(after: str, guarded: Server) -> None:
    answer = Browser(guarded).request("GET", link(guarded, after))
    assert (answer.status, answer.headers["Location"]) == (302, "/")


def test_a_look_ahead_does_not_use_it_up(guarded: Server) -> None:
    path = link(guarded)
    browser = Browser(guarded)
    assert browser.request("HEAD", path).status == 405
    assert browser.request("OPTIONS", path).status in (204, 405)
    for header in ({"Sec-Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"}, {"X-Moz": "prefetch"}):
        assert browser.request("GET", path, headers=header).status == 503
    assert not browser.is_in
    assert browser.request("GET", path).status == 302
    assert browser.is_in


def test_one_who_is_in_stays_the_same_user(guarded: Server) -> None:
    browser = Browser(guarded)
    assert browser.logs_in(FIRST)
    before = None if guarded.kind.classic else browser.json("GET", "/api/me")["identity"]
    assert browser.request("GET", link(guarded)).status == 302
    assert browser.is_in
    assert before is None or browser.json("GET", "/api/me")["identity"] == before
