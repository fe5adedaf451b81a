"""What a host tells of itself becomes facts, or an error; never a traceback."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from nbfab.errors import HostError
from nbfab.facts import parse
from nbfab.host import look
from nbfab.settings import Settings
from nbfab.wanted import Wanted

LEAST: list[dict[str, Any]] = [
    {"uid": "1000"},
    {"home": "/home/ann"},
    {"clock": "1800000000"},
    {"folder": "/home/ann/.local/share/nbfab/nbserver"},
    {"directory": "/home/ann"},
    {"directory_state": "ok"},
    {"nearest": "/home"},
    {"writable": "yes"},
    {"folder_state": "absent"},
]

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
    facts = parse([*LEAST, {"names": "box box.example.org"}, {"addresses": text}])
    assert facts.names == ("box", "box.example.org", *addresses)


@pytest.mark.parametrize(
    ("lie", "words"),
    [
        ({"clock": "tomorrow"}, "invalid literal"),
        ({"clock": float("inf")}, "infinity"),
        ({"clock": None}, "facts are missing"),
        ({"names": 7}, "no attribute 'split'"),
        ({"addresses": ["x"]}, "no attribute 'splitlines'"),
        ({"listing": None}, "no attribute"),
        ({"server": "yes"}, "no attribute"),
        ({"server": {"ready": True}}, "kernels"),
        ({"server": {"ready": True, "kernels": [{}], "terminals": []}}, "version"),
        ({"server": {"ready": True, "kernels": 7, "terminals": []}}, "facts are missing"),
        ({"environment": {"source": "login"}}, "python"),
        ({"environment": ["x"]}, "facts are missing"),
        ({"started": 9}, "no attribute 'split'"),
        ({"generation": 9}, "no attribute 'strip'"),
    ],
)
def test_what_a_host_tells_must_make_sense(lie: dict[str, Any], words: str) -> None:
    with pytest.raises(HostError, match=f"what the host tells of itself makes no sense: .*{words}"):
        parse([*LEAST, lie])


def test_what_is_missing_or_too_much_is_no_harm() -> None:
    with pytest.raises(HostError, match="facts are missing"):
        parse(LEAST[1:])
    environment = {"source": "login", "python": "/x", "version": "3", "packages": {}}
    facts = parse([*LEAST, {"unheard": "of"}, *([{"environment": environment}] * 1000)])
    assert len(facts.environments) == 20


class _Liar:
    """A host that answers every program with the same lines between the marks."""

    label, local, names, ssh = "liar", False, ("liar",), "liar"

    def __init__(self, *lines: bytes) -> None:
        self.lines = lines

    def talk(self, program: bytes, silence: float) -> Iterator[bytes]:
        begin, end = re.findall(rb"nbfab-(?:begins|ends)-[0-9a-f]+", program)
        said = b"\n".join([b"motd", begin, *self.lines, end, b""])
        yield from (said[at : at + 65536] for at in range(0, len(said), 65536))

    def close(self) -> None:
        pass


TRUE = [json.dumps(record).encode() for record in LEAST]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"[" * 200_000, ""),
        (b'{"user": ' * 50_000, ""),
        (b"\xff\xfe\x00", ""),
        (b"[1, 2]", ""),
        (b'{"clock": 1e999}', "makes no sense"),
        (b'{"clock": "9"}' * 100_000, "a line without an end"),
        ((b"yes" * 100 + b"\n") * 27_000, "more than 8 MB"),
    ],
    ids=["deep list", "deep mapping", "bytes", "no record", "infinite", "long line", "too much"],
)
def test_a_lie_is_left_out_or_told(line: bytes, words: str) -> None:
    liar, wanted = _Liar(*TRUE, line), Wanted(Settings(), ("liar",), 0.0, None)
    if not words:
        assert look(liar, wanted).home == "/home/ann"
        return
    with pytest.raises(HostError, match=words):
        look(liar, wanted)
