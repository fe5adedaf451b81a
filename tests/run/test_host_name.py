"""The names of hosts below localhost."""

import pytest

from nbfab.names import is_name
from nbfab.run.host_name import label


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
