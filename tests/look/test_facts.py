"""What a host reports becomes facts, or an error; never a traceback."""

import re
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from machine import ROOT

from nbfab.errors import HostError
from nbfab.look.fact import LINE, LONGEST, MOST
from nbfab.look.facts import FACTS, parse
from nbfab.look.files import Entry
from nbfab.look.server import Idle, Kernel, Started, Usage

LEAST: list[dict[str, Any]] = [
    {"host.uid": "1000"},
    {"host.clock": "1800000000"},
    {"choices.port": "9999"},
    {"choices.directory": ""},
    {"choices.python": ""},
    {"choices.app": "notebook"},
    {"files.folder": "/home/ann/.local/share/nbfab/nbserver"},
    {"files.directory": "/home/ann"},
    {"files.directory_state": "ok"},
    {"files.nearest": "/home"},
    {"files.writable": "yes"},
    {"files.state": "absent"},
]
ENVIRONMENT = {"source": "login", "python": "/x", "packages": {"notebook": "7.2"}}
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
GUARD = {"failed": {"count": 0, "refused": 0, "since": 1, "addresses": 0}, "tcp_kernels": []}
KERNEL = {"id": "0123456789", "notebook": "work/plot.ipynb", "state": "busy"}

IPROUTE = """\
2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc mq state UP group default qlen 1000
    link/ether 52:54:00:12:34:56 brd ff:ff:ff:ff:ff:ff
    altname enp0s3
    inet 192.0.2.7/24 brd 192.0.2.255 scope global dynamic eth0
       valid_lft 86000sec preferred_lft 86000sec
    inet6 2001:db8::9/64 scope global temporary dynamic
       valid_lft 600000sec preferred_lft 80000sec
    inet6 2001:db8::8/64 scope global deprecated mngtmpaddr
       valid_lft 600000sec preferred_lft 0sec
    inet6 2001:db8::7/64 scope global dynamic mngtmpaddr
       valid_lft 2591999sec preferred_lft 604799sec
3: tun0: <POINTOPOINT,UP> mtu 1400 qdisc fq_codel state UNKNOWN group default qlen 500
    inet 198.51.100.1 peer 198.51.100.2/32 scope global tun0
"""
NET_TOOLS = """\
eth0: flags=4163<UP,BROADCAST,RUNNING,MULTICAST>  mtu 1500
        inet 192.0.2.7  netmask 255.255.255.0  broadcast 192.0.2.255
        inet6 fe80::5054:ff:fe12:3456  prefixlen 64  scopeid 0x20<link>
        inet6 2001:db8::7  prefixlen 64  scopeid 0x0<global>
"""
BUSYBOX = """\
eth0      Link encap:Ethernet  HWaddr 52:54:00:12:34:56
          inet addr:192.0.2.7  Bcast:192.0.2.255  Mask:255.255.255.0
          inet6 addr: fe80::5054:ff:fe12:3456/64 Scope:Link
          inet6 addr: 2001:db8::7/64 Scope:Global
"""
DARWIN = """\
en0: flags=8863<UP,BROADCAST,SMART,RUNNING,SIMPLEX,MULTICAST> mtu 1500
\tether 52:54:00:12:34:56
\tinet6 fe80::1c00:aaaa:bbbb:cccc%en0 prefixlen 64 secured scopeid 0x6
\tinet 192.0.2.7 netmask 0xffffff00 broadcast 192.0.2.255
\tinet6 2001:db8::9 prefixlen 64 autoconf temporary
\tinet6 2001:db8::7 prefixlen 64 autoconf secured
"""


def answering(**answer: Any) -> dict[str, Any]:
    """What a host reports of a server that answers so."""
    return {"server.answer": {"ready": True, "port": 9999, "kernels": [], "terminals": [], **answer}}


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        (IPROUTE, ("192.0.2.7", "2001:db8::7", "198.51.100.1")),
        (NET_TOOLS, ("192.0.2.7", "2001:db8::7")),
        (BUSYBOX, ("192.0.2.7", "2001:db8::7")),
        (DARWIN, ("192.0.2.7", "2001:db8::7")),
        ("", ()),
    ],
    ids=["iproute2", "net-tools", "busybox", "macOS", "none"],
)
def test_addresses_are_those_that_last_and_that_others_reach(text: str, addresses: tuple[str, ...]) -> None:
    facts = parse([*LEAST, {"host.names": "box box.example.org"}, {"host.addresses": text}])
    assert facts.host.addresses == addresses
    assert facts.host.all_names == ("box", "box.example.org", *addresses)


@pytest.mark.parametrize(
    ("lie", "words"),
    [
        ({"host.clock": "tomorrow"}, "host.clock: 'tomorrow' is not a number"),
        ({"host.clock": float("inf")}, "host.clock: inf is not a number"),
        ({"host.clock": None}, "host.clock: None is not a number"),
        ({"host.clock": "-1"}, "host.clock: '-1' is not a number"),
        ({"host.clock": "9" * 400}, "host.clock: '99999.* is not a number"),
        ({"host.clock": "\u0663"}, "host.clock: .* is not a number"),
        ({"host.names": 7}, "host.names: a number is not text"),
        ({"host.addresses": ["x"]}, "host.addresses: .* is not text"),
        ({"host.user": "x" * (LONGEST + 1)}, "host.user: text of 500001 characters is too long"),
        ({"host.user": "x" * (LINE + 1)}, "host.user: text of 8193 characters is too long"),
        ({"host.user": "a\0b"}, r"host.user: 'a\\x00b' has a NUL"),
        ({"host.uid": "ann"}, "host.uid: 'ann' is not a number"),
        ({"host.uid": 1000}, "host.uid: a number is not text"),
        ({"host.clock": 10**400}, "host.clock: a number out of range"),
        ({"host.names": "x" * 256}, "host.names: text of 256 characters is too long"),
        ({"files.folder": "nbserver"}, "files.folder: 'nbserver' is not an absolute path"),
        ({"files.folder": "/\ud800"}, r"files.folder: '/\\ud800' is not text that a host could have"),
        ({"files.entries": {"path": "x", "mode": "-", "owner": "0", "text": "\ud800"}}, "that a host could have"),
        ({"host.tmux": ""}, "host.tmux: '' is neither yes nor no"),
        ({"files.writable": True}, "files.writable: .* is neither yes nor no"),
        ({"files.state": "a link"}, "files.state: 'a link' is not one of folder, absent, link, other"),
        ({"files.directory_state": []}, "files.directory_state: .* is not one of ok,"),
        ({"files.entries": None}, "files.entries: None is not an object"),
        ({"files.entries": {"path": "run.sh", "mode": "-rw-------", "owner": 1000, "text": ""}}, "files.entries: "),
        ({"files.entries": {"path": "run.sh", "mode": "-rw-------"}}, "files.entries: None is not text"),
        ({"environments.found": ["x"]}, "environments.found: .* is not an object"),
        (
            {"environments.found": ENVIRONMENT | {"source": "guessed"}},
            "'guessed' is not one of asked, made,",
        ),
        ({"environments.found": ENVIRONMENT | {"python": None}}, "environments.found: None is not text"),
        (
            {"environments.found": ENVIRONMENT | {"packages": {"notebook": 7}}},
            "environments.found: a number is not text",
        ),
        (
            {"environments.found": ENVIRONMENT | {"packages": {"notebook": "7" * 5000}}},
            "environments.found: text of 5000 characters is too long",
        ),
        ({"environments.found": ENVIRONMENT | {"python": "python"}}, "'python' is not an absolute path"),
        ({"server.started": 9}, "server.started: a number is not text"),
        ({"server.session_pids": 9}, "server.session_pids: a number is not text"),
        ({"server.session_pids": "11 twelve"}, "server.session_pids: 'twelve' is not a number"),
        ({"server.answer": "yes"}, "server.answer: 'yes' is not an object"),
        ({"server.answer": {"ready": True, "kernels": [], "terminals": []}}, "server.answer: None is not a number"),
        ({"server.answer": {"ready": True, "port": 9999, "terminals": []}}, "server.answer: None is not an array"),
        ({"server.answer": {"ready": True, "port": 9999, "kernels": 7, "terminals": []}}, "a number is not an array"),
        ({"server.answer": {"ready": True, "port": 65536, "kernels": [], "terminals": []}}, "65536 is not a port"),
        ({"server.answer": {"ready": True, "port": -1, "kernels": [], "terminals": []}}, "a number out of range"),
        ({"server.answer": {"ready": True, "port": 10**30, "kernels": [], "terminals": []}}, "a number out of range"),
        ({"server.answer": {"ready": True, "port": True, "kernels": [], "terminals": []}}, "is not a number"),
        ({"server.answer": {"ready": True, "port": 1, "kernels": [], "terminals": [{}]}}, "an object is not text"),
        ({"server.answer": {"ready": True, "port": 1, "kernels": [7], "terminals": []}}, "a number is not an object"),
        ({"server.answer": {"ready": True, "port": 1, "kernels": [{}] * 1001}}, "1001 items is too long"),
        (answering(kernels=[{**KERNEL, "usage": {"memory": -1, "cpu": 0, "started": 0}}]), "a number out of range"),
        (answering(kernels=[{**KERNEL, "usage": {"memory": 1, "cpu": 0, "started": 10**11}}]), "is no time"),
        (answering(kernels=[{**KERNEL, "usage": 7}]), "a number is not an object"),
        (answering(kernels=[{**KERNEL, "last_activity": 7}]), "a number is not text"),
        (answering(guard={**GUARD, "idle": {"after": "x", "kernels_after": 0}}), "'x' is not a number"),
        (answering(guard={**GUARD, "idle": {"after": 1, "kernels_after": 0, "left": -1}}), "a number out of range"),
        ({"port.pid": "1 2"}, "port.pid: '1 2' is not a number"),
        ({"host.home": "/home/ann"}, "'host.home' is not a fact"),
        ({"planet.uid": "7"}, "'planet.uid' is not a fact"),
        ({"host.": ""}, "'host.' is not a fact"),
    ],
    ids=lambda value: str(value)[:60] if isinstance(value, str) else "",
)
def test_what_a_host_reports_must_make_sense(lie: dict[str, Any], words: str) -> None:
    with pytest.raises(HostError, match=f"what the host reports makes no sense: .*{words}") as error:
        parse([*LEAST, lie])
    assert len(str(error.value)) < 300


@pytest.mark.parametrize("missing", range(len(LEAST)))
def test_a_fact_that_is_missing_is_named(missing: int) -> None:
    (name,) = LEAST[missing]
    with pytest.raises(HostError, match=f"{name} is missing"):
        parse([*LEAST[:missing], *LEAST[missing + 1 :]])


@pytest.mark.parametrize(
    ("files", "version"),
    [
        (["/x", "/y/lib/python3.9/site-packages/notebook-7.5.8.dist-info"], "3.9"),
        (["/usr/bin/python3.11", "/usr/lib/python3/dist-packages/notebook-6.4.12.egg-info"], ""),
        ([], ""),
    ],
)
def test_the_folder_of_the_packages_tells_the_version_of_python(files: list[str], version: str) -> None:
    """Also where an earlier release has recorded them."""
    (found,) = parse([*LEAST, {"environments.found": ENVIRONMENT | {"files": files}}]).environments.found
    assert found.version == version


def test_a_record_that_is_no_fact_is_noise() -> None:
    noise: list[dict[str, Any]] = [{"doing": 0, "text": ""}, {"says": "Downloading"}, {"motd": {"a": 1}}, {}]
    assert parse([*noise, *LEAST, *noise]) == parse(LEAST)


def test_a_fact_that_is_reported_again_is_added_once_and_not_without_end() -> None:
    facts = parse([*LEAST, *([{"environments.found": ENVIRONMENT}] * 3), {"host.names": "a b"}, {"host.names": "b c"}])
    assert len(facts.environments.found) == 1
    assert facts.host.names == ("a", "b", "c")
    many = [{"environments.found": ENVIRONMENT | {"python": f"/{number}"}} for number in range(MOST + 1)]
    assert len(parse([*LEAST, *many]).environments.found) == MOST


def test_a_single_fact_that_is_reported_again_counts() -> None:
    assert parse([*LEAST, {"host.system": "Linux"}, {"host.system": "Linux debian"}]).host.system == "Linux debian"


def test_a_kernel_whose_session_has_no_path_is_one_without_a_notebook() -> None:
    answer = {"ready": True, "port": 9999, "kernels": [{**KERNEL, "notebook": None}], "terminals": []}
    facts = parse([*LEAST, {"server.answer": answer}])
    assert facts.server.answer is not None
    assert facts.server.answer.kernels == (Kernel("0123456789", "", "busy"),)


def test_what_a_host_has() -> None:
    usage = {"memory": 1_000_000, "cpu": 398, "started": 1_800_000_000}
    kernel = {**KERNEL, "last_activity": "2026-01-31T08:15:00.123456Z", "usage": usage}
    guard = {**GUARD, "idle": {"after": 28800, "kernels_after": 0, "left": None}}
    answer = {"ready": True, "port": 9999, "kernels": [kernel], "terminals": ["1"], "guard": guard}
    entry = {"path": "run.sh", "mode": "-rw-------", "owner": "1000", "text": "exit\n"}
    facts = parse(
        [
            *LEAST,
            {"host.tmux": "yes"},
            {"files.entries": entry},
            {"environments.found": ENVIRONMENT},
            {"server.started": "10 11 12345 digest 1799999999"},
            {"server.session_pids": " 10 12"},
            {"server.alive": "yes"},
            {"server.answer": answer},
            {"port.user": "ann"},
            {"port.pid": "11", "port.program": "python"},
        ]
    )
    assert (facts.host.clock, facts.host.tmux, facts.host.is_root) == (1_800_000_000, True, False)
    assert facts.files.base == "/home/ann/.local/share/nbfab"
    assert facts.files.entry("run.sh") == Entry("run.sh", "-rw-------", "1000", "exit\n")
    assert (facts.files.text("gone"), facts.files.mode("gone"), facts.files.entry("gone")) == ("", "", None)
    (environment,) = facts.environments.found
    assert environment.packages == {"notebook": "7.2"}
    assert facts.server.started == Started("10", "11", "12345", "digest", 1_799_999_999)
    assert facts.server.answer is not None
    takes = Usage(1_000_000, 398, 1_800_000_000)
    active = "2026-01-31T08:15:00Z"
    assert facts.server.answer.kernels == (Kernel("0123456789", "work/plot.ipynb", "busy", active, takes),)
    assert facts.server.answer.guard
    assert facts.server.answer.guard.idle == Idle(28800, 0, None)
    assert (facts.server.ready, facts.server.in_session, facts.server.ours) == (True, True, True)
    assert facts.server.live == ("kernel 01234567 of work/plot.ipynb (busy)", "terminal 1")
    assert facts.port.holder == "process 11 (python) of user ann"


@pytest.mark.parametrize(
    "started", ["", "10 11 12345", "10 11 12345 digest yesterday", "10 11 12345 digest 1 more", "10 x 1 digest 1"]
)
def test_a_start_that_was_not_recorded_whole_is_none(started: str) -> None:
    assert parse([*LEAST, {"server.started": started}]).server.started is None


@pytest.mark.parametrize(
    ("alive", "session", "answer", "ours", "live"),
    [
        ("yes", "10", {"ready": False, "reason": "hangs"}, True, ("kernels it cannot list",)),
        ("yes", "10", None, True, ("kernels it cannot list",)),
        ("yes", "12", {"ready": True, "port": 1, "kernels": [], "terminals": []}, True, ()),
        ("yes", "12", {"ready": False, "reason": "hangs"}, False, ("kernels it cannot list",)),
        ("yes", "", None, False, ("kernels it cannot list",)),
        ("no", "10", None, False, ()),
    ],
)
def test_whose_the_server_is_and_what_would_end_with_it(
    alive: str, session: str, answer: Any, ours: bool, live: tuple[str, ...]
) -> None:
    records = [*LEAST, {"server.started": "10 11 12345 digest 1"}, {"server.session_pids": session}]
    records += [{"server.alive": alive}, *([{"server.answer": answer}] if answer else [])]
    server = parse(records).server
    assert server.ours is ours
    assert len(server.live) == len(live)
    assert all(found.startswith(start) for found, start in zip(server.live, live, strict=True))


@given(st.dictionaries(st.sampled_from(sorted(FACTS)), JSON))
def test_whatever_a_host_reports_is_a_fact_or_an_error(record: dict[str, Any]) -> None:
    with suppress(HostError):
        parse([*LEAST, record])


def test_sh_prints_the_facts_that_python_reads() -> None:
    code = "".join(
        re.sub(r"^\s*#.*", "", path.read_text(), flags=re.MULTILINE) for path in (ROOT / "nbfab/look").glob("*.sh")
    )
    printed = re.findall(r"\bfact ([a-z0-9_]+\.[a-z0-9_]+)", code)
    printed += re.findall(r'\\?"([a-z0-9_]+\.[a-z0-9_]+)\\?":', code)
    assert set(printed) == FACTS.keys()
