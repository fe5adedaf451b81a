"""Which port here is a host's, and that it stays so."""

import json
import socket
import stat
import threading
from collections.abc import Collection
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sshd import free_port

from nbfab.tunnel import ports
from nbfab.tunnel.ports import Taken, dump, order, parse, take
from nbfab.tunnel.state import Whose

GPU1, GPU2 = Whose("gpu1", "nbserver"), Whose("gpu2", "nbserver")
TEXT = st.text(max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("first", "others", "expected"),
    [
        ((9999,), (), [9999, 10000, 10001]),
        ((9999,), (9999,), [10000, 10001, 10002]),
        ((9999,), (10000, 10002), [9999, 10001, 10003]),
        ((443,), (), [443, 1024, 1025]),
        ((65535,), (), [65535, 1024, 1025]),
        ((0,), (), [1025, 1026, 1027]),
        ((), (), [1025, 1026, 1027]),
    ],
)
def test_the_ports_to_try(first: tuple[int, ...], others: tuple[int, ...], expected: list[int]) -> None:
    assert list(islice(order(first, others), 3)) == expected


def test_each_port_comes_once() -> None:
    found = list(order((9999,), ()))
    assert len(found) == len(set(found)) == 65536 - 1024


class Free:
    """Ports that are free but for some, without taking any."""

    def __init__(self, *taken: int) -> None:
        self.taken: Collection[int] = taken
        self.port = 0

    def __call__(self, port: int) -> socket.socket | None:
        self.port = port
        return None if port in self.taken else socket.socket()


def taken(place: Path, whose: Whose, first: int, *used: int) -> tuple[int, tuple[str, ...]]:
    """The port that is chosen, and what is said of it."""
    bind = Free(*used)
    found: Taken = take(str(place), whose, (first,), bind)
    found.socket.close()
    return bind.port, found.notes


def remembered(place: Path) -> dict[Whose, int]:
    return parse((place / "open.json").read_text())[0]


def test_a_port_is_remembered_for_its_host(tmp_path: Path) -> None:
    place = tmp_path / "nbfab"
    assert taken(place, GPU1, 9999) == (9999, ())
    assert taken(place, GPU2, 9999) == (10000, ())
    assert taken(place, GPU1, 8888) == (9999, ()), "that of its bookmarks, not the server's"
    assert taken(place, Whose("gpu1", "other"), 9999) == (10001, ())
    assert taken(place, Whose("gpu1", "nbserver", "jump"), 9999) == (10002, ())
    assert stat.S_IMODE((place / "open.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(place.stat().st_mode) == 0o700


def test_one_that_another_program_has_is_not_forgotten(tmp_path: Path) -> None:
    taken(tmp_path, GPU1, 9999)
    port, (note,) = taken(tmp_path, GPU1, 9999, 9999)
    assert port == 10000
    assert "port 9999 here, which gpu1 had before, is taken by another program; it is 10000 for now" in note
    assert remembered(tmp_path) == {GPU1: 9999}
    assert taken(tmp_path, GPU1, 9999) == (9999, ())


def test_the_server_s_port_may_not_be_free_here(tmp_path: Path) -> None:
    assert taken(tmp_path, GPU1, 9999, 9999, 10000) == (10001, ())
    assert remembered(tmp_path) == {GPU1: 10001}


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "0.0.0.0"])
def test_a_port_is_free_if_no_one_listens_there(host: str) -> None:
    port = free_port()
    with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
        assert ports.bind(port) is None
    found = ports.bind(port)
    assert found
    assert found.getsockname() == ("127.0.0.1", port)
    found.close()


KNOWN = st.dictionaries(st.builds(Whose, TEXT, TEXT, TEXT), st.integers(1, 65535), max_size=8)


@given(KNOWN)
def test_a_record_says_what_was_written(known: dict[Whose, int]) -> None:
    assert parse(dump(known)) == (known, True)


@given(st.text() | JSON.map(json.dumps) | JSON.map(lambda it: json.dumps({"version": 1, "ports": [it]})))
def test_any_text_is_read(text: str) -> None:
    known, whole = parse(text)
    assert all(0 < port < 65536 for port in known.values())
    if not whole:
        assert parse(dump(known)) == (known, True)


@pytest.mark.parametrize("text", ["", "[1", '{"version": 2, "ports": []}', "[" * 100_000, "\0"])
def test_a_record_that_makes_no_sense_is_kept_aside(tmp_path: Path, text: str) -> None:
    for number in ("", "2"):
        (tmp_path / "open.json").write_text(text)
        port, (note,) = taken(tmp_path, GPU1, 9999)
        aside = tmp_path / f"open.json.malformed{number}"
        assert (port, aside.read_text()) == (9999, text)
        assert str(aside) in note
        assert remembered(tmp_path) == {GPU1: 9999}


def test_what_makes_sense_of_a_record_counts(tmp_path: Path) -> None:
    entries = json.loads(dump({GPU1: 9999}))["ports"]
    (tmp_path / "open.json").write_text(json.dumps({"version": 1, "ports": [*entries, {"host": 1}]}))
    port, (note,) = taken(tmp_path, GPU1, 8888)
    assert port == 9999
    assert "made no sense" in note


def test_a_folder_that_cannot_be_written_costs_only_the_memory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    port, (note,) = taken(tmp_path / "file", GPU1, 9999)
    assert port == 9999
    assert "not remembered" in note


def test_no_entry_is_lost_where_many_begin_at_once(tmp_path: Path) -> None:
    hosts = [Whose(f"gpu{number}", "nbserver") for number in range(30)]
    threads = [threading.Thread(target=take, args=(str(tmp_path), host, (9999,), Free())) for host in hosts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    known = remembered(tmp_path)
    assert set(known) == set(hosts)
    assert len(set(known.values())) == len(hosts)
