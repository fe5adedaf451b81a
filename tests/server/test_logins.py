"""Guessing at the login form of the three servers."""

import itertools
import json
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest
from notebook_servers import FIRST, TOKEN, Browser, Server

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ADDRESSES = (f"198.51.100.{number}" for number in itertools.count(1))  # each test has some of its own


def guess(server: Server, address: str) -> int:
    """The answer to a wrong password, sent without a look at the form."""
    return Browser(server, address, {"_xsrf": "x"}).request("POST", "/login", "_xsrf=x&password=x", FORM).status


def test_a_guesser_has_to_wait_and_no_one_else_does(guarded: Server) -> None:
    address = next(ADDRESSES)
    at_work = Browser(guarded, address)
    assert at_work.logs_in(FIRST)
    guesser = Browser(guarded, address)
    assert [guesser.log_in("wrong").status for _ in range(2)] == [401, 401]
    for password in ("wrong", FIRST):
        answer = guesser.log_in(password)
        assert answer.status == 429
        assert 50 <= int(answer.headers["Retry-After"]) <= 60
        assert "Too many failed logins. Try again in " in answer.text
    assert not guesser.is_in
    assert at_work.is_in
    assert Browser(guarded, next(ADDRESSES)).logs_in(FIRST)
    assert Browser(guarded).logs_in(FIRST)
    log = guarded.log.read_text()
    assert f"Login failed from {address}" in log
    assert f"Login refused from {address}: too many failures; next try in " in log


def test_the_page_says_that_a_password_is_wrong(guarded: Server) -> None:
    answer = Browser(guarded, next(ADDRESSES)).log_in("wrong")
    assert answer.status == 401
    assert "Invalid credentials" in answer.text


@pytest.mark.parametrize("password", ["", f" {FIRST}", f"{FIRST} ", "x" * 5000, TOKEN, "\x00", "☃" * 1400])
def test_nothing_but_the_password_logs_in(password: str, guarded: Server) -> None:
    assert Browser(guarded, next(ADDRESSES)).log_in(password).status == 401


def test_a_password_in_the_url_does_not_count(guarded: Server) -> None:
    """It would be in the log."""
    browser = Browser(guarded, next(ADDRESSES))
    browser.request("GET", "/login")
    path = f"/login?password={FIRST.replace(' ', '%20')}"
    assert browser.request("POST", path, f"_xsrf={browser.cookies['_xsrf']}", FORM).status == 401


@pytest.mark.parametrize(
    ("after", "place"),
    [
        ("/tree/a%20b.ipynb", "/tree/a%20b.ipynb"),
        ("//evil.example/", "/"),
        ("https:///evil.example", "/"),
        ("/\\evil.example", "/%5Cevil.example"),
        ("/tree/a b.ipynb", "/tree/a%20b.ipynb"),
    ],
)
def test_a_login_leads_to_this_server(after: str, place: str, guarded: Server) -> None:
    browser = Browser(guarded)
    answer = browser.log_in(FIRST, after)
    assert (answer.status, answer.headers["Location"]) == (302, place)
    answer = browser.request("GET", f"/login?{urlencode({'next': after})}")  # and one who is in already
    assert (answer.status, answer.headers["Location"]) == (302, place)


def test_strangers_together_do_not_keep_out_one_who_is_known(own: Callable[..., Server]) -> None:
    """Over a restart; the server's paths have a beginning of their own, as behind a proxy."""
    server = own(base="/ann/")
    home = "192.0.2.1"
    assert Browser(server, home).log_in(FIRST).headers["Location"] == "/ann/"
    at_work = Browser(server, "192.0.2.9")
    assert at_work.logs_in(FIRST)
    server.stop()
    server.start()
    known = json.loads((server.folder / "known.json").read_text())
    assert known == [home, "192.0.2.9"]
    wrong = [guess(server, f"2001:db8:{number:x}::1") for number in range(60)]
    assert wrong == [401] * 60
    while wrong[-1] == 401:  # one more each six seconds
        wrong.append(guess(server, f"2001:db8:{len(wrong):x}::1"))
    assert len(wrong) < 100
    assert Browser(server, "192.0.2.2").log_in(FIRST).status == 429
    assert Browser(server, home).logs_in(FIRST)
    assert at_work.is_in
    at_work.address = "192.0.2.2"  # a laptop that has moved
    assert at_work.logs_in(FIRST)
    failed = server.ask("/nbfab-status")["failed"]
    assert (failed["count"], failed["refused"], failed["addresses"]) == (len(wrong) - 1, 2, len(wrong) + 1)


def test_the_log_stays_short(guarded: Server) -> None:
    address = next(ADDRESSES)
    before = guarded.log.stat().st_size
    with ThreadPoolExecutor(50) as pool:  # refusals are told after a pause
        statuses = list(pool.map(lambda _: guess(guarded, address), range(200)))
    assert statuses.count(429) == 198
    assert guarded.log.stat().st_size - before < 5000


GUESS = """
import http.client, sys
statuses = []
for number in range(int(sys.argv[2])):
    server = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=60)
    headers = {"Cookie": "_xsrf=x", "Content-Type": "application/x-www-form-urlencoded"}
    server.request("POST", "/login", b"_xsrf=x&password=x", headers)
    statuses.append(server.getresponse().status)
print(*sorted(set(statuses)))
"""


def test_another_user_of_the_machine_cannot_lock_out_the_owner(guarded: Server, second_uid: int) -> None:
    """Nor can it pass for the owner."""
    command = ["/usr/bin/python3", "-I", "-c", GUESS, str(guarded.port), "6"]
    done = subprocess.run(
        command, user=second_uid, group=second_uid, cwd="/", capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["401", "429"]
    assert f"Login failed from 127.0.0.1 (uid {second_uid})" in guarded.log.read_text()
    for _ in range(5):
        assert not Browser(guarded).logs_in("wrong")
    assert Browser(guarded).logs_in(FIRST)
