"""The page of a fleet: what it shows of hosts, whatever they are called and say."""

import json
import re
from html.parser import HTMLParser
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbfab.text import clean_line
from nbfab.tunnel import board
from nbfab.tunnel.row import Row, State

STATES = get_args(State)
NASTY = st.text(max_size=40) | st.sampled_from(
    ["<script>alert(1)</script>", '"><img src=x onerror=y>', "' onclick='z", "</style>", "$nonce", "\x1b[2J", "\ud800"]
)  # fmt: skip
ROWS = st.builds(
    Row,
    NASTY,
    NASTY,
    st.sampled_from(STATES),
    st.floats(0, 2e9),
    NASTY,
    st.lists(NASTY, max_size=2).map(tuple),
    NASTY,
    st.lists(NASTY, max_size=2).map(tuple),
)


class Parsed(HTMLParser):
    """The elements of a page with the names of their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.text = ""
        self.values: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(name for name, _ in attrs)))
        self.values += [value or "" for _, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


def plain(row: Row) -> Row:
    """The same row with words that are harmless."""

    def word(text: str) -> str:
        return "a" if text else ""

    words = (tuple(map(word, row.fix)), word(row.url), tuple(map(word, row.notes)))
    profile = row.profile if row.profile == "nbserver" else "a"
    return Row(word(row.host), profile, row.state, row.since, word(row.words), *words)


@given(ROWS)
def test_nothing_that_a_host_says_becomes_markup(row: Row) -> None:
    for made in (board.page, board.state):
        cells = [made([each], "token").body for each in (row, plain(row))]
        if made is board.state:
            cells = [json.loads(text)["rows"][0]["html"] for text in cells]
        nasty, harmless = map(Parsed, cells)
        assert nasty.elements == harmless.elements
        assert clean_line(row.host) in nasty.text
        assert clean_line(row.words) in nasty.text
        assert "\x1b" not in cells[0]
        cells[0].encode()


@given(ROWS, NASTY)
def test_nor_on_the_pages_that_follow(row: Row, why: str) -> None:
    for one, two in (
        (board.login(row, "https://localhost:1", "nonce"), board.login(plain(row), "https://localhost:1", "nonce")),
        (board.sorry(row, why), board.sorry(plain(row), "a" if why else "")),
    ):
        assert Parsed(one.body).elements == Parsed(two.body).elements


@pytest.mark.parametrize(
    ("state", "told", "button", "action"),
    [
        ("connecting", "connecting", "Open", "open"),
        ("up", "up", "Open", "open"),
        ("down", "down since ", "Look again", "look"),
        ("not set up", "not set up", "Look again", "look"),
        ("server stopped", "server stopped", "Look again", "look"),
        ("a person is needed", "a person is needed", "Look again", "look"),
        ("failed", "failed", "Look again", "look"),
    ],
)
def test_each_state_has_its_words_and_what_can_be_done(state: State, told: str, button: str, action: str) -> None:
    page = board.page([Row("gpu1", "nbserver", state, 1.0)], "token")
    parsed = Parsed(page.body)
    assert told in parsed.text
    assert button in parsed.text
    assert action in parsed.values
    assert f"{button}: gpu1" in parsed.values  # or a reader of the screen would hear the same word for each host
    assert ("disabled" in dict(parsed.elements)["button"]) == (state == "connecting")


def test_every_state_is_covered() -> None:
    assert len(STATES) == 7


def test_only_its_own_script_runs() -> None:
    pages = [board.page([Row("gpu1", "nbserver")], "token") for _ in range(2)]
    for page in pages:
        (nonce,) = set(re.findall(r' nonce="(\S+)"', page.body))
        assert f"script-src 'nonce-{nonce}'" in page.policy
        assert "default-src 'none'" in page.policy
        assert "unsafe" not in page.policy
        assert not re.search(r'(src|href)="http', page.body)
        assert not re.search(r" (on[a-z]+|style)=", page.body)
    assert pages[0].policy != pages[1].policy


def test_the_login_goes_to_the_host_s_origin_and_nowhere_else() -> None:
    page = board.login(Row("gpu1", "nbserver"), "https://localhost:9999", "once")
    assert 'action="https://localhost:9999/nbfab-login"' in page.body
    assert "form-action https://localhost:9999" in page.policy
    assert page.referrer == "no-referrer"


def test_what_has_not_changed_is_not_shown_anew() -> None:
    row = Row("gpu1", "nbserver", "up", url="https://localhost:1/")
    before = json.loads(board.state([row], "token").body)["rows"][0]
    assert before == json.loads(board.state([row], "token").body)["rows"][0]
    assert f'data-made="{before["made"]}"' in board.page([row], "token").body
    row.becomes("down", "the connection was cut")
    after = json.loads(board.state([row], "token").body)["rows"][0]
    assert after["made"] != before["made"]
    assert "gpu1: down since" in after["said"]
