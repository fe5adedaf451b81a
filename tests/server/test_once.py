"""Logins that work once."""

import re
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbfab.server.once import MOST, Nonces, inside


def test_a_nonce_works_once() -> None:
    nonces = Nonces()
    nonce = nonces.new()
    assert re.fullmatch(r"[\w-]{43}", nonce, re.ASCII)
    assert not nonces.use(nonce[:-1])
    assert nonces.use(nonce)
    assert not nonces.use(nonce)


@pytest.mark.parametrize(("seconds", "good"), [(0, True), (59.9, True), (60, False), (9999, False)])
def test_a_nonce_works_for_a_minute(seconds: float, good: bool) -> None:
    now = [1000.0]
    nonces = Nonces(lambda: now[0])
    nonce = nonces.new()
    now[0] += seconds
    assert nonces.use(nonce) is good


def test_only_so_many_nonces_are_kept() -> None:
    nonces = Nonces()
    made = [nonces.new() for _ in range(MOST + 1)]
    assert [nonces.use(nonce) for nonce in made] == [False] + [True] * MOST


def test_a_new_password_ends_the_nonces() -> None:
    nonces = Nonces()
    nonce = nonces.new()
    nonces.clear()
    assert not nonces.use(nonce)


@pytest.mark.parametrize(
    "target", ["/", "/lab/tree/a%20b.ipynb?reset&x=..#a/../b", "/tree//a", "/a..b/...", "/?next=//a"]
)
def test_a_path_on_this_server_is_kept(target: str) -> None:
    assert inside(target, "/") == target
    assert inside(f"/ann{target}", "/ann/") == f"/ann{target}"


@pytest.mark.parametrize(
    ("target", "escaped"),
    [
        ("/a b", "/a%20b"),
        ("/ü", "/%C3%BC"),
        ("/\\evil", "/%5Cevil"),
        ("/\t/evil", "/%09/evil"),
        ("/\x00", "/%00"),
        ("/\ud800", "/%ED%A0%80"),
        ('/"<', "/%22%3C"),
    ],
)
def test_what_a_browser_would_read_otherwise_is_escaped(target: str, escaped: str) -> None:
    assert inside(target, "/") == escaped


OUTSIDE = [
    "//evil.example/",
    "///evil.example",
    "\\\\evil.example",
    "\t//evil.example",
    " //evil.example",
    "https://evil.example/",
    "https:/evil.example",
    "javascript:alert(1)",
    "evil.example",
    "",
    "?x",
    "/ann/../bob/",
    "/ann/%2e%2E/bob/",
    "/ann/.%2e",
    "/../bob",
]


@pytest.mark.parametrize("base", ["/", "/ann/"])
@pytest.mark.parametrize("target", OUTSIDE)
def test_no_other_place_is_led_to(target: str, base: str) -> None:
    assert inside(target, base) == base


@pytest.mark.parametrize("target", ["/", "/bob/", "/annabel/", "/ann", "/bob/ann/"])
def test_a_neighbour_on_the_same_host_is_not_led_to(target: str) -> None:
    assert inside(target, "/ann/") == "/ann/"


@given(st.text("/\\.%2eE:#?@ \t\nabn\x00ü"), st.sampled_from(["/", "/ann/"]))
def test_it_never_leaves_the_server(target: str, base: str) -> None:
    """As a browser reads it: without blanks, with slashes for backslashes, and with dots for their escapes."""
    location = inside(target, base)
    seen = re.sub(r"[\t\n\r]", "", location.strip()).replace("\\", "/")
    path, end, rest = re.fullmatch(r"(?s)([^?#]*)([?#]?)(.*)", seen).groups()  # type: ignore[union-attr]
    url = urlsplit(urljoin("https://gpu1:9999/ann/login", unquote(path) + end + rest))
    assert url.netloc == "gpu1:9999"
    assert url.path.startswith(base)
