"""The ports of a user's cluster: always the same ones, unless something else listens there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbfab.cluster.ports import EACH, FIRST, LAST, MOST, Ports, choose

uids = st.integers(0, 2**32 - 2)
EVERY_BLOCK = range(FIRST, LAST, EACH)


@given(uids, st.frozensets(st.integers(FIRST, LAST - 1), max_size=20))
def test_no_port_of_a_user_is_one_at_which_something_else_listens(uid: int, taken: frozenset[int]) -> None:
    ports = choose(uid, taken)
    assert not taken & {*range(ports.first, ports.first + EACH)}
    assert ports.first >= FIRST
    assert ports.dashboard < LAST


@given(uids)
def test_a_user_has_the_same_ports_on_each_host_and_the_next_user_has_others(uid: int) -> None:
    first = choose(uid, ()).first
    assert choose(uid, {FIRST - 1, LAST}).first == first
    assert abs(choose(uid + 1, ()).first - first) >= EACH


@pytest.mark.parametrize("port", ["first", "scheduler", "dashboard"])
def test_one_port_that_is_taken_moves_all_to_the_next_block(port: str) -> None:
    ports = choose(1000, ())
    assert choose(1000, {getattr(ports, port)}) == Ports(ports.first + EACH)


def test_a_port_beside_those_of_the_user_moves_nothing() -> None:
    ports = choose(1000, ())
    assert choose(1000, {ports.first - 1, ports.first + EACH}) == ports


def test_after_the_last_block_comes_the_first() -> None:
    last = len(EVERY_BLOCK) - 2  # the range does not end with a whole one
    ports = choose(last, ())
    assert ports.first > LAST - 2 * EACH
    assert choose(last, {ports.first}) == Ports(FIRST)


def test_a_host_without_a_free_block_is_told_so() -> None:
    with pytest.raises(ValueError, match="no 64 ports in a row are free from 10000 to 32000"):
        choose(1000, EVERY_BLOCK)


@pytest.mark.parametrize("count", [1, 2, MOST])
def test_no_two_programs_have_the_same_port(count: int) -> None:
    ports = Ports(FIRST)
    spans = [ports.workers(count), ports.nannies(count)]
    opened = [ports.scheduler, *(port for first, last in spans for port in range(first, last + 1))]
    assert len({*opened, ports.dashboard}) == 2 * count + 2
    assert {*opened} <= {*range(ports.open[0], ports.open[1] + 1)}


def test_a_firewall_is_not_opened_for_the_dashboard_or_for_the_next_user() -> None:
    ports = Ports(FIRST)
    assert ports.open[1] < ports.dashboard < ports.first + EACH
