"""What a host says of Jupyter servers that nbfab did not start becomes facts, or an error; and what is said of one."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from other_servers import SERVER, one, parse
from plan_cases import NEW

from nbfab.look.others import OtherFacts
from nbfab.plan import others


@pytest.mark.parametrize(
    "lie",
    [
        {"pid": 0},
        {"pid": 1},
        {"pid": -4},
        {"pid": "4711; rm -rf ~"},
        {"pid": 2**31},
        {"start": "1 2"},
        {"start": "$(id)"},
        {"since": 10**14},
        {"port": 0},
        {"port": 65536},
        {"addresses": []},
        {"addresses": ["gpu1"]},
        {"addresses": ["::1%$(id)"]},
        {"addresses": "127.0.0.1"},
        {"tls": "yes"},
        {"open": 1},
        {"app": "x" * 256},
        {"fingerprint": "AB"},
        {"note": "/a\0b"},
        {"kernels": -1},
        {"terminals": [7]},
    ],
)
def test_a_lie_is_an_error(lie: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        one(**lie)


def test_what_goes_into_a_url_or_names_a_file_is_left_out_if_it_is_none() -> None:
    assert one(base="/user/ann%40x/").base == "/user/ann%40x/"
    for base in ("x", "//evil\n", "/a b", "/?token=", "/" + "x" * 600):
        assert one(base=base).base == "/"
    assert one(note="runtime/jpserver-1.json").note == ""
    assert parse(None) is None
    assert parse([SERVER] * 150) == (one(),) * 100


@given(
    st.dictionaries(
        st.sampled_from(list(SERVER)),
        st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text(), max_size=2),
    )
)
def test_whatever_a_host_says_becomes_facts_or_an_error(more: dict[str, Any]) -> None:
    try:
        other = one(**more)
    except ValueError:
        return
    assert "\n" not in other.base
    assert others.described(other)
    assert others.document(other)["port"] == other.port


def test_who_can_reach_it_is_said() -> None:
    assert others.described(one()) == (
        "process 4711 (jupyter-lab 2.14.1), since 2027-01-15T08:00:00Z, in /home/ann/work, http, for the host alone"
    )
    assert "https, at all addresses" in others.described(one(tls=True, addresses=["0.0.0.0", "::"]))
    assert "it does not answer, at 192.0.2.7" in others.described(one(tls=None, addresses=["192.0.2.7"]))
    assert "every user of the host can run programs as you" in others.warning(one(open=True))
    assert "everyone who reaches the host can" in others.warning(one(open=True, addresses=["::"]))


@pytest.mark.parametrize(
    ("addresses", "address"),
    [
        (["0.0.0.0"], "127.0.0.1"),
        (["::"], "::1"),
        (["0.0.0.0", "::"], "127.0.0.1"),
        (["127.0.0.1", "::1"], "127.0.0.1"),
        (["192.0.2.7"], "192.0.2.7"),
    ],
)
def test_where_it_is_reached_there(addresses: list[str], address: str) -> None:
    assert one(addresses=addresses).address == address


def test_only_an_open_one_is_warned_of() -> None:
    facts = replace(NEW, others=OtherFacts(servers=(one(), one(open=True, port=8889), one(open=None, tls=None))))
    (note,) = others.unsafe(facts)
    assert "at port 8889" in note.words
    assert [str(part) for part in note.fix] == ["nbfab stop --port=8889"]
    assert others.at(facts, 8889)
    assert others.at(facts, 8890) is None
