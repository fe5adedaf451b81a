"""Routes: what nbfab makes of the output of `ssh -G`."""

import subprocess
from pathlib import Path

import pytest

from nbfab.errors import ConnectError
from nbfab.names import HostString, parse_host
from nbfab.ssh.options import SshOptions
from nbfab.ssh.route import parse_route, resolve

BOX = HostString(None, "box", None)


def test_a_route_has_what_ssh_prints() -> None:
    route = parse_route(
        parse_host("ann@box"),
        "user ann\nhostname Box.Example.org\nport 2222\nidentityfile ~/.ssh/%h-key\nidentityfile none\n"
        "proxyjump u@a:2,b\n"
        "proxycommand none\nconnecttimeout none\nuserknownhostsfile /dev/null\nstricthostkeychecking no\n"
        "identityagent none\n"
        "nonsense\n",
    )
    assert (route.user, route.hostname, route.port) == ("ann", "Box.Example.org", 2222)
    assert [path.rpartition("/")[2] for path in route.identities] == ["Box.Example.org-key"]
    assert route.jumps == (parse_host("u@a:2"), parse_host("b"))
    assert (route.proxy_command, route.timeout, route.accept_new) == ("", None, False)
    assert route.typed_for_ssh == "ann@box"


@pytest.mark.parametrize(
    ("printed", "agent"),
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
def test_the_agent_is_the_one_that_openssh_uses(printed: str, agent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/environment")
    monkeypatch.setenv("OTHER", "/other")
    monkeypatch.delenv("MISSING", raising=False)
    assert parse_route(BOX, f"user ann\nhostname box\n{printed}").agent == agent


def test_tokens_in_a_jump_host_are_expanded() -> None:
    route = parse_route(parse_host("far"), "user ann\nhostname far.example\nport 23\nproxyjump %r@jump-%n:%p,%h\n")
    assert route.jumps == (parse_host("ann@jump-far:23"), parse_host("far.example"))


def test_a_jump_host_that_is_not_one_is_an_error_with_its_source(tmp_path: Path) -> None:
    config = tmp_path / "ssh_config"
    config.write_text("ProxyJump a%%d\n")
    with pytest.raises(ConnectError, match="ssh_config: ProxyJump: 'a%d' is not a host name"):
        resolve(BOX, str(config))


@pytest.mark.parametrize(
    ("printed", "methods"),
    [
        ("", ("publickey", "keyboard-interactive", "password")),
        ("pubkeyauthentication true\n", ("publickey", "keyboard-interactive", "password")),
        ("pubkeyauthentication false\n", ("keyboard-interactive", "password")),
        ("pubkeyauthentication no\nkbdinteractiveauthentication no\n", ("password",)),
        ("preferredauthentications gssapi-with-mic,password,publickey,password\n", ("password", "publickey")),
        ("preferredauthentications password\npasswordauthentication no\n", ()),
    ],
)
def test_the_methods_are_those_of_the_configuration(printed: str, methods: tuple[str, ...]) -> None:
    assert parse_route(BOX, f"user ann\nhostname box\n{printed}").methods == methods


def test_bytes_that_are_not_text_cause_no_traceback(tmp_path: Path) -> None:
    config = tmp_path / "ssh_config"
    config.write_bytes(b"IdentityFile /home/b\xfccher/id\n")
    assert resolve(BOX, str(config)).identities == ("/home/b\udcfccher/id",)
    for line in (b"HostName b\xfccher\n", b"User b\xfccher\n", b"B\xfccher yes\n", b"Port b\xfccher\n"):
        config.write_bytes(line)
        with pytest.raises(ConnectError, match="ssh_config: ") as error:
            resolve(BOX, str(config))
        str(error.value).encode()


@pytest.mark.parametrize(
    ("jumps", "printed"),
    [
        (("ann@a:2222", "b"), "ann@a:2222,b"),
        (("::1",), "[::1]"),
        (("[::1]:22", "ann@fe80::1%lo"), "[::1]:22,ann@[fe80::1%lo]"),
        ((), ""),
    ],
)
def test_ssh_accepts_the_options_of_a_fix(jumps: tuple[str, ...], printed: str, tmp_path: Path) -> None:
    (tmp_path / "an id").touch()
    options = SshOptions(jumps=tuple(map(parse_host, jumps)), identity=f"{tmp_path}/an id").for_ssh
    done = subprocess.run(f"ssh -F none -G {options} box", shell=True, capture_output=True, text=True, check=True)
    values = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    assert values.get("proxyjump", "") == printed
    assert values["identityfile"] == f"{tmp_path}/an id"
