"""What hosts print of file systems, limits and sockets, as facts."""

import ipaddress
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbfab.look.facts import FACTS
from nbfab.look.home import Mount, Quota, Room
from nbfab.look.limits import UNLIMITED, Limit
from nbfab.look.shell import ShellFacts


def parse(name: str, value: Any) -> Any:
    return FACTS[name].metadata["parse"](value)


@pytest.mark.parametrize(
    ("line", "room"),
    [
        ("/dev/vda 264212084 224700000 39512084 86% /", Room(264212084, 39512084)),
        ("fs:/home/a b 100 90 10 90% /home/a b", Room(100, 10)),
        ("tmpfs 0 0 0 - /run", Room(0, 0)),
        ("df: /home: Stale file handle", Room()),
        ("", Room()),
    ],
)
def test_room_is_what_df_prints(line: str, room: Room) -> None:
    assert parse("home.space", line) == room


@pytest.mark.parametrize(
    ("text", "quotas"),
    [
        (
            "Filesystem blocks quota limit grace files quota\n/dev/sdb1 1048590* 1000000 1048576 6days 5 0 0 0",
            [("KB", 1048590, 1048576, True), ("files", 5, 0, False)],
        ),
        ("fs:/h 10 20 0 0 7* 5 9 none", [("KB", 10, 20, False), ("files", 7, 9, True)]),
        ("quota: Cannot resolve mountpoint path", []),
        ("", []),
    ],
)
def test_a_quota_is_what_quota_prints(text: str, quotas: list[Any]) -> None:
    assert [tuple(quota)[1:] for quota in parse("home.quota", text)] == quotas
    assert all(isinstance(quota, Quota) for quota in parse("home.quota", text))


def test_a_mount_has_four_parts() -> None:
    assert parse("home.mount", "a\t/\text4\trw,ro") == Mount("a", "/", "ext4", ("rw", "ro"))
    assert parse("home.mount", "a\t/\text4") is None


def test_limits_are_what_the_kernel_prints() -> None:
    text = (
        "Limit                     Soft Limit           Hard Limit           Units     \n"
        "Max cpu time              unlimited            unlimited            seconds   \n"
        "Max open files            1024                 524288               files     \n"
        "Max realtime priority     0                    0                    \n"
    )
    limits = parse("limits.resources", text).by_name
    assert limits["open files"] == Limit(1024, 524288)
    assert limits["cpu time"] == Limit(UNLIMITED, UNLIMITED)
    assert limits["realtime priority"] == Limit(0, 0)


@given(address=st.ip_addresses(), port=st.integers(1, 65535))
def test_an_address_is_read_as_the_kernel_writes_it(address: Any, port: int) -> None:
    packed = address.packed
    words = (packed[at : at + 4][::-1].hex().upper() for at in range(0, len(packed), 4))
    assert parse("listening.addresses", f"{''.join(words)}:{port:04X}") == (str(ipaddress.ip_address(packed)),)


@pytest.mark.parametrize(
    ("began", "uptime", "seconds"), [(1000, 12.5, 2.5), (1000, 9.0, 0.0), (0, 12.5, 0.0), (0, 0.0, 0.0)]
)
def test_the_time_of_a_login_shell(began: int, uptime: float, seconds: float) -> None:
    assert ShellFacts(began=began, uptime=uptime).seconds == seconds


@given(text=st.text(max_size=300))
@pytest.mark.parametrize(
    "name",
    sorted(name for name in FACTS if name.partition(".")[0] in ("home", "limits", "listening", "shell", "stale")),
)
def test_any_text_is_a_fact_or_makes_no_sense(name: str, text: str) -> None:
    with suppress(ValueError):
        parse(name, text)
