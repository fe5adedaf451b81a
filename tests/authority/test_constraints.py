"""Constraints: what an authority may sign, by what hosts are called."""

import re
from contextlib import suppress
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbfab.authority.constraints import ALWAYS, Constraint, covering, is_strict, narrowed, parse, permits


@pytest.mark.parametrize(
    ("name", "constraint"),
    [
        ("gpu1.lab.example.org", "lab.example.org"),
        ("GPU1.Lab.example.org", "lab.example.org"),
        ("*.lab.example.org", "lab.example.org"),
        ("gpu1.example.org", "gpu1.example.org"),
        ("gpu1.example.co.uk", "gpu1.example.co.uk"),
        ("gpu1.lab.example.co.uk", "lab.example.co.uk"),
        ("example.co.uk", "example.co.uk"),
        ("gpu1.lan", "lan"),
        ("gpu1.lab.internal", "lab.internal"),
        ("gpu1.systems", "gpu1.systems"),
        ("gpu1", "gpu1"),
        ("a.eu-west-1.compute.amazonaws.com", "a.eu-west-1.compute.amazonaws.com"),
        ("me.duckdns.org", "me.duckdns.org"),
        ("10.3.0.7", "10.3.0.7/32"),
        ("2001:db8::7", "2001:db8::7/128"),
        ("dev", None),
        ("org", None),
        ("co.uk", None),
        ("my_box", None),
        ("fe80::1%eth0", None),
    ],
)
def test_what_is_allowed_for_the_sake_of_a_name(name: str, constraint: str | None) -> None:
    found = covering(name)
    assert (found if found is None else str(found)) == constraint


@pytest.mark.parametrize(
    ("text", "constraint"),
    [
        ("lab.example.org", "lab.example.org"),
        (".lab.example.org", "lab.example.org"),
        ("*.Lab.example.org", "lab.example.org"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("10.3.0.0/16", "10.3.0.0/16"),
        ("10.3.0.7", "10.3.0.7/32"),
        ("fd00::/8", "fd00::/8"),
    ],
)
def test_what_may_be_allowed(text: str, constraint: str) -> None:
    assert str(parse(text)) == constraint


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("org", "org is a public suffix"),
        ("co.uk", "co.uk is a public suffix"),
        ("amazonaws.com", "amazonaws.com is a public suffix"),
        ("", "'' is neither a domain nor a network"),
        ("*", "'*' is neither a domain nor a network"),
        ("a b", "'a b' is neither a domain nor a network"),
        ("my_box", "'my_box' is neither a domain nor a network"),
        ("0.0.0.0/0", "0.0.0.0/0 is too wide: a prefix has 8 bits or more"),
        ("::/0", "::/0 is too wide: a prefix has 7 bits or more"),
        ("10.3.0.7/16", "'10.3.0.7/16' is not a network (10.3.0.7/16 has host bits set)"),
        ("lab/16", "'lab/16' is neither a domain nor a network; write one such as lab.example.org or 10.3.0.0/16"),
        ("https://gpu1/", "'https://gpu1/' is neither a domain nor a network"),
        ("gpu1,gpu2", "'gpu1,gpu2' is neither a domain nor a network; give each an --allow of its own"),
        ("x" * 300, "is neither a domain nor a network"),
    ],
)
def test_what_may_not_be_allowed(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        parse(text)


def test_what_another_covers_is_left_out() -> None:
    given: list[Constraint] = [
        ip_network("10.3.0.7/32"),
        "gpu1.lab.example.org",
        "lab.example.org",
        "lab.example.org",
        ip_network("10.3.0.0/16"),
        ip_network("127.0.0.1/32"),
        "gpu1.localhost",
        "localhost",
        "ab.example.org",
    ]
    assert [str(of) for of in narrowed(given)] == ["ab.example.org", "lab.example.org", "10.3.0.0/16"]


@pytest.mark.parametrize(
    ("name", "is_in"),
    [
        ("lab.example.org", True),
        ("gpu1.lab.example.org", True),
        ("*.lab.example.org", True),
        ("xlab.example.org", False),
        ("example.org", False),
        ("*.example.org", False),
        ("10.3.255.1", True),
        ("10.4.0.1", False),
        ("::a03:1", False),
        ("localhost", True),
        ("gpu1.localhost", True),
        ("127.8.9.1", True),
        ("::1", True),
    ],
)
def test_what_is_within_constraints(name: str, is_in: bool) -> None:
    assert permits(("lab.example.org", ip_network("10.3.0.0/16"), *ALWAYS), name) is is_in


@pytest.mark.parametrize(
    ("name", "strict"), [("my_box", False), ("*.test", False), ("*.lab.test", True), ("gpu1", True), ("::1", True)]
)
def test_names_that_strict_clients_refuse(name: str, strict: bool) -> None:
    assert is_strict(name) is strict


LABELS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,6}[a-z0-9])?", fullmatch=True)
NAMES = st.lists(LABELS, min_size=1, max_size=5).map(".".join) | st.ip_addresses().map(str)


@given(st.lists(NAMES, max_size=8))
def test_what_is_allowed_for_names_permits_them(names: list[str]) -> None:
    every = {name: covering(name) for name in names}
    allowed = narrowed([of for of in every.values() if of is not None])
    for name, of in every.items():
        assert of is None or permits((*allowed, *ALWAYS), name)
    for constraint in allowed:
        assert parse(str(constraint)) == constraint


@given(st.text(max_size=30) | NAMES)
def test_any_text_is_a_constraint_or_a_mistake(text: str) -> None:
    found = None
    with suppress(ValueError):
        found = parse(text)
    assert found is None or parse(str(found)) == found
