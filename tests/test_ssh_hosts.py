"""Host strings: what may be typed after -H, and what is refused before anything is looked up."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbfab.errors import ConnectError, HostStringError
from nbfab.ssh_hosts import HostString, parse_host, parse_route, resolve, split_hosts


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
    ],
)
def test_a_host_string_has_parts(text: str, parts: tuple[str | None, str, int | None]) -> None:
    assert parse_host(text) == HostString(*parts)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "-oProxyCommand=x",
            "a b",
            "a;b",
            "a\n",
            "a$b",
            "`x`",
            "ssh://box",
            "box:",
            "box:0",
            "box:65536",
            "box:22x",
        ),
        *("@box", "-l@box", "an n@box", "box/..", "bücher", "[::1", "::1]:22", "a@b@c;", "box\0", "*", "-", ".", "a'b"),
    ],
)
def test_a_hostile_or_broken_one_is_refused(text: str) -> None:
    with pytest.raises(HostStringError, match="is no"):
        parse_host(text)


def test_a_password_in_it_is_not_repeated() -> None:
    with pytest.raises(HostStringError, match="a password has no place") as error:
        parse_host("ann:hunter2222@box")
    assert "hunter" not in str(error.value) + error.value.hint


@given(st.one_of(st.text(), st.from_regex(r"[a-z@:\[\].%0-9$ -]{0,20}")))
def test_whatever_is_typed_is_harmless_or_refused(text: str) -> None:
    try:
        user, host, _ = parse_host(text)
    except HostStringError:
        return
    for part in (user or "x", host):
        assert not part.startswith("-")
        assert part.isascii()
        assert part.isprintable()
        assert not set(part) & set(" ;&|<>$`'\"()*?![]{}~#\n/,")


def test_hosts_of_one_option() -> None:
    assert split_hosts("a, b@c:1,a") == ["a", "b@c:1"]
    for text in ("", ",", " , "):
        with pytest.raises(HostStringError, match="-H names no host"):
            split_hosts(text)
    with pytest.raises(HostStringError, match="names an empty host"):
        split_hosts("a,,b")


def test_what_ssh_says_of_a_host() -> None:
    route = parse_route(
        "ann@box",
        "user ann\nhostname Box.Example.org\nport 2222\nidentityfile ~/.ssh/%h-key\nidentityfile none\n"
        "proxyjump u@a:2,b\n"
        "proxycommand none\nconnecttimeout none\nuserknownhostsfile /dev/null\nstricthostkeychecking no\n"
        "identityagent none\n"
        "nonsense\n",
    )
    assert (route.user, route.hostname, route.port) == ("ann", "Box.Example.org", 2222)
    assert [path.rpartition("/")[2] for path in route.identities] == ["Box.Example.org-key"]
    assert route.jumps == ("u@a:2", "b")
    assert (route.proxy_command, route.timeout, route.accept_new) == ("", None, False)
    assert route.typed_for_ssh == "ann@box"


@pytest.mark.parametrize(
    ("said", "agent"),
    [
        ("", "/environment"),
        ("identityagent none\n", ""),
        ("identityagent SSH_AUTH_SOCK\n", "/environment"),
        ("identityagent $OTHER\n", "/other"),
        ("identityagent $MISSING\n", ""),
        ("identityagent ${OTHER}/%r\n", "/other/ann"),
        ("identityagent /path of/%h\n", "/path of/box"),
    ],
)
def test_the_agent_is_the_one_that_openssh_takes(said: str, agent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/environment")
    monkeypatch.setenv("OTHER", "/other")
    monkeypatch.delenv("MISSING", raising=False)
    assert parse_route("box", f"user ann\nhostname box\n{said}").agent == agent


def test_a_jump_host_is_named_with_tokens() -> None:
    route = parse_route("far", "user ann\nhostname far.example\nport 23\nproxyjump %r@jump-%n:%p,%h,a%%d%d\n")
    assert route.jumps == ("ann@jump-far:23", "far.example", "a%d%d")


@pytest.mark.parametrize(
    ("said", "ways"),
    [
        ("", ("publickey", "keyboard-interactive", "password")),
        ("pubkeyauthentication true\n", ("publickey", "keyboard-interactive", "password")),
        ("pubkeyauthentication false\n", ("keyboard-interactive", "password")),
        ("pubkeyauthentication no\nkbdinteractiveauthentication no\n", ("password",)),
        ("preferredauthentications gssapi-with-mic,password,publickey,password\n", ("password", "publickey")),
        ("preferredauthentications password\npasswordauthentication no\n", ()),
    ],
)
def test_the_ways_to_log_in_are_those_of_the_configuration(said: str, ways: tuple[str, ...]) -> None:
    assert parse_route("box", f"user ann\nhostname box\n{said}").ways == ways


def test_bytes_that_are_no_text_are_no_traceback(tmp_path: Path) -> None:
    config = tmp_path / "ssh_config"
    config.write_bytes(b"IdentityFile /home/b\xfccher/id\n")
    assert resolve("box", str(config)).identities == ("/home/b\udcfccher/id",)
    for line in (b"HostName b\xfccher\n", b"User b\xfccher\n", b"B\xfccher yes\n", b"Port b\xfccher\n"):
        config.write_bytes(line)
        with pytest.raises(ConnectError, match="ssh_config: ") as error:
            resolve("box", str(config))
        str(error.value).encode()
