"""What a client asks of the proxy, and everything that is not a request."""

import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbfab.lend.request import answer, parse

SECRET = "a-secret"


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def head(target: str = "index.example:443", method: str = "CONNECT", given: str = f"nbfab:{SECRET}") -> bytes:
    return f"{method} {target} HTTP/1.1\r\nHost: {target}\r\nProxy-Authorization: {basic(given)}".encode()


@pytest.mark.parametrize(
    ("target", "host", "port"),
    [
        ("index.example:443", "index.example", 443),
        ("INDEX.example.:443", "index.example", 443),
        ("[2001:db8::1]:443", "2001:db8::1", 443),
        ("index.example:80", "index.example", 80),
        ("index.example", "", 0),
        ("http://index.example/", "", 0),
        ("index.example:443:443", "", 0),
        ("index.example:٤٤٣", "", 0),
        ("index.example@evil:443", "", 0),
        ("index.example%00:443", "", 0),
    ],
)
def test_the_target(target: str, host: str, port: int) -> None:
    request = parse(head(target).decode().encode("latin-1", "replace"))
    assert (request.host, request.port) == (host, port)


@pytest.mark.parametrize(
    ("field", "known"),
    [
        (f"Proxy-Authorization: {basic(f'nbfab:{SECRET}')}", True),
        (f"proxy-authorization:  {basic(f'nbfab:{SECRET}').replace('Basic', 'basic')} ", True),
        (f"Proxy-Authorization: {basic(f'nbfab:{SECRET}x')}", False),
        (f"Proxy-Authorization: {basic(SECRET)}", False),
        (f"Proxy-Authorization: {basic(f'root:{SECRET}')}", False),
        (f"Authorization: {basic(f'nbfab:{SECRET}')}", False),
        (f"Proxy-Authorization: Bearer {SECRET}", False),
        ("Proxy-Authorization: Basic ****", False),
        ("Proxy-Authorization:", False),
        ("Host: x", False),
    ],
)
def test_the_secret(field: str, known: bool) -> None:
    request = parse(f"CONNECT index.example:443 HTTP/1.1\r\n{field}".encode())
    assert request.knows(SECRET) is known
    assert SECRET not in repr(request)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"CONNECT index.example:443",
        b"CONNECT  index.example:443 HTTP/1.1",
        b"CONNECT index.example:443 HTTP/2",
        b"CONNECT index.example:443 HTTP/1.1\r\nno field",
        b"CONNECT index.example:443 HTTP/1.1\r\n folded: x",
        b"CONNECT index.example:443 HTTP/1.1\r\na: b\nProxy-Authorization: x",
        b"CONNECT index.example:443 HTTP/1.1\r\nProxy-Authorization: Basic eA==\r\nProxy-Authorization: Basic eA==",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_what_is_no_request(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"no |two"):
        parse(text)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_request_without_the_secret_or_none(text: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert not parse(text).knows(SECRET)


@given(st.text(st.characters(codec="latin-1"), max_size=60), st.integers(0, 99999))
def test_a_host_is_what_was_written_and_nothing_else(name: str, port: int) -> None:
    try:
        request = parse(head(f"{name}:{port}").decode().encode("latin-1"))
    except ValueError:
        return
    if request.host:
        assert request.host == name.strip("[]").lower().rstrip(".")
        assert request.port == port


@pytest.mark.parametrize("status", [200, 400, 403, 407, 502, 503])
def test_an_answer_is_one(status: int) -> None:
    first, *fields = answer(status).removesuffix(b"\r\n\r\n").split(b"\r\n")
    assert first.startswith(b"HTTP/1.1 %d " % status)
    assert all(b": " in field for field in fields)
