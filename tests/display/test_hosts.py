"""The names of many hosts, in few words."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbfab.display.hosts import MOST, named


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["one"], "one"),
        (["s01"], "s01"),
        (["one", "two"], "2 hosts (one, two)"),
        (["s1", "s2"], "2 hosts (s1, s2)"),
        ([f"s{n:02}" for n in range(1, 31)], "30 hosts (s[01:30])"),
        ([f"s{n}.lab" for n in range(8, 12)], "4 hosts (s[8:11].lab)"),
        (["s08", "s09", "s10", "gate", "s12"], "5 hosts (s[08:10], gate, s12)"),
        (["s8", "s09", "s10"], "3 hosts (s8, s09, s10)"),
        (["s3", "s2", "s1"], "3 hosts (s3, s2, s1)"),
        (
            [f"h{2 * n}" for n in range(MOST + 2)],
            f"32 hosts ({', '.join(f'h{2 * n}' for n in range(MOST))}, and 2 more)",
        ),
    ],
)
def test_names_that_count_up_are_a_range(names: list[str], words: str) -> None:
    assert named(names) == words


@given(st.lists(st.from_regex(r"[a-z0-9.-]{0,3}[0-9]{0,3}[a-z]?", fullmatch=True), min_size=2, max_size=MOST))
def test_no_host_is_lost(names: list[str]) -> None:
    inside = re.fullmatch(r"\d+ hosts \((.*)\)", named(names))
    assert inside
    assert [name for word in inside[1].split(", ") for name in _expanded(word)] == names


def _expanded(word: str) -> list[str]:
    parts = re.fullmatch(r"(.*)\[(\d+):(\d+)\](.*)", word)
    if not parts:
        return [word]
    before, first, last, after = parts.groups()
    return [f"{before}{n:0{len(first)}}{after}" for n in range(int(first), int(last) + 1)]
