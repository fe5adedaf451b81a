"""Names: what may be typed as a host, what a certificate can carry, and what is refused before any lookup."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbfab.errors import HostStringError
from nbfab.names import HostString, is_name, parse_host, parse_jump, split_hosts

# Any text, and texts that are close to host strings.
TYPED = st.one_of(
    st.text(),
    st.from_regex(r"[a-z@:\[\].%0-9$ -]{0,20}"),
    st.from_regex(r"(u@)?\[?[a:.%]{1,5}\]?(:22)?", fullmatch=True),
)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("box", (None, "box", None)),
        ("ann@box.example.org:2222", ("ann", "box.example.org", 2222)),
        ("[::1]:22", (None, "::1", 22)),
        ("::1", (None, "::1", None)),
        ("fe80::1%eth0", (None, "fe80::1%eth0", None)),
        ("ann@[2001:db8::1]", ("ann", "2001:db8::1", None)),
        ("gpu_1.", (None, "gpu_1.", None)),
        ("ssh://ann@box:22", ("ann", "box", 22)),
        ("ssh://box/", (None, "box", None)),
        ("ssh://[::1]:22", (None, "::1", 22)),
        # The last @ separates, as in OpenSSH.
        ("ann@corp.example@box", ("ann@corp.example", "box", None)),
        ("ann@corp.example@[::1]:22", ("ann@corp.example", "::1", 22)),
    ],
)
def test_the_parts_of_a_host_string(text: str, parts: tuple[str | None, str, int | None]) -> None:
    assert parse_host(text) == HostString(*parts)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "-oProxyCommand=x", "a b", "a;b", "a\n", "a$b", "`x`", "box:", "box:0", "box:65536"),
        *("box:22x", "@box", "-l@box", "an n@box", "box/..", "bücher", "[::1", "::1]:22", "a@b@c;", "box\0", "*", "-"),
        *("a@@box", "ann@-x@box", "@ann@box", "ann@corp@"),
        *(".", "a'b", "[a:1]", "[:]:22", "x" * 254),
    ],
)
def test_a_hostile_or_malformed_host_string_is_refused(text: str) -> None:
    with pytest.raises(HostStringError, match="is not"):
        parse_host(text)


@pytest.mark.parametrize("text", ["ann:hunter2222@box", "ssh://ann:hunter2222@box:22"])
def test_a_password_in_a_host_string_is_not_repeated(text: str) -> None:
    with pytest.raises(HostStringError, match="a password does not belong") as error:
        parse_host(text)
    assert "hunter" not in str(error.value) + error.value.hint


@given(TYPED)
def test_every_host_string_is_harmless_or_refused(text: str) -> None:
    try:
        user, host, _ = parse_host(text)
    except HostStringError:
        return
    for part in (user or "x", host):
        assert not part.startswith("-")
        assert part.isascii()
        assert part.isprintable()
        assert not set(part) & set(" ;&|<>$`'\"()*?![]{}~#\n/,")


@given(TYPED)
def test_a_host_string_survives_being_written_and_parsed_again(text: str) -> None:
    try:
        host = parse_host(text)
    except HostStringError:
        return
    assert parse_host(str(host)) == host


def test_the_hosts_of_one_option() -> None:
    assert split_hosts("a, b@c:1,a") == [HostString(None, "a", None), HostString("b", "c", 1)]
    for text in ("", ",", " , "):
        with pytest.raises(HostStringError, match="-H names no host"):
            split_hosts(text)
    with pytest.raises(HostStringError, match="names an empty host"):
        split_hosts("a,,b")


def test_a_jump_host_may_be_a_url() -> None:
    assert parse_jump("ssh://ann@box:2222/") == parse_jump("ann@box:2222") == HostString("ann", "box", 2222)


@pytest.mark.parametrize("text", ["Lab", "a", "10.0.0.1", "::1", "gpu-1.example.org", "*.example.org", "a_b", "x" * 63])
def test_a_name_that_a_certificate_can_carry(text: str) -> None:
    assert is_name(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a b",
        "-a",
        "a-",
        "a..b",
        "a.",
        "*",
        "a.*",
        "*.*.a",
        "1.2.3",
        "a/b",
        "fe80::1%eth0",
        "bücher",
        "x" * 64,
        "a" * 254,
    ],
)
def test_a_name_that_no_certificate_can_carry(text: str) -> None:
    assert not is_name(text)


@given(st.text())
def test_a_name_in_a_certificate_is_harmless(text: str) -> None:
    if is_name(text):
        assert text.isascii()
        assert not set(text) & set(" \n/,;'\"$")
