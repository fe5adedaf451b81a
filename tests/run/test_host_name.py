"""The names of hosts below localhost."""

import pytest

from nbfab.errors import UsageError
from nbfab.host import Here
from nbfab.names import is_name
from nbfab.run.host_name import label, of
from nbfab.run.job import Job
from nbfab.wanted import Wanted


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("gpu1", "gpu1"),
        ("ann@gpu1:2222", "gpu1"),
        ("GPU1.example.com.", "gpu1.example.com"),
        ("my_box", "my-box"),
        ("_box_", "box"),
        ("10.0.0.1", "ip-10-0-0-1"),
        ("ann@[2001:db8::1]:22", "ip-2001-db8--1"),
        ("fe80::1%eth0", "ip-fe80--1-eth0"),
        ("::", "ip"),
        ("a" * 63, "a" * 63),
        ("a" * 64, ""),
        ("a..b", ""),
    ],
)
def test_a_label(typed: str, name: str) -> None:
    assert label(typed) == name
    assert not name or is_name(f"{name}.localhost")


class _There(Here):
    label, local = "ann@gpu1:22", False


def test_where_it_makes_no_sense() -> None:
    assert of(Job("open", _There(), Wanted())) == "gpu1.localhost"
    with pytest.raises(UsageError, match="--direct makes none"):
        of(Job("open", _There(), Wanted(), flags=frozenset({"direct"})))
    with pytest.raises(UsageError, match="this machine is localhost"):
        of(Job("open", Here(), Wanted()))
