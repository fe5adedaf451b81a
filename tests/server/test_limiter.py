"""How many wrong passwords are let through; the clock is the test's."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbfab.server.limiter import Limiter


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def attempts(every: float, seconds: float, key: Callable[[int], str], stranger: bool = True) -> list[float]:
    """When those tries were let through that a guesser makes `every` so many seconds."""
    clock = Clock()
    limiter = Limiter(clock)
    through = []
    for number in range(int(seconds / every)):
        clock.now = 1000.0 + number * every
        if not limiter.take(key(number), stranger):
            through.append(number * every)
    return through


@pytest.mark.parametrize("stranger", [True, False])
def test_one_address_has_two_a_minute_and_twelve_an_hour(stranger: bool) -> None:
    through = attempts(0.25, 7200, lambda _: "192.0.2.1", stranger)
    assert through[:4] == [0, 0.25, 60, 60.25]
    assert len(through) == 24
    assert all(later - earlier >= 3600 for earlier, later in zip(through, through[12:], strict=False))


def test_strangers_have_sixty_at_once_and_then_ten_a_minute() -> None:
    through = attempts(0.01, 600, lambda number: f"2001:db8:{number:x}::/64")
    assert len([at for at in through if at < 1]) == 60
    assert len([at for at in through if at >= 1]) == 99
    assert min(later - earlier for earlier, later in pairwise(through[60:])) > 5.9


def test_one_who_is_known_does_not_wait_for_strangers() -> None:
    limiter = Limiter(Clock())
    for number in range(100_000):
        limiter.take(f"2001:db8:{number:x}::/64", True)
    assert limiter.take("2001:db8:ffff:1::/64", True) > 0
    assert limiter.take("192.0.2.1", False) == 0


def test_a_right_password_costs_nothing() -> None:
    limiter = Limiter(Clock())
    for _ in range(1000):
        assert limiter.take("192.0.2.1", True) == 0
        limiter.give_back("192.0.2.1", True)


def test_guesses_at_the_same_time_count_before_they_are_checked() -> None:
    limiter = Limiter(Clock())
    assert [limiter.take("192.0.2.1", True) > 0 for _ in range(4)] == [False, False, True, True]


def test_memory_is_bounded_and_no_count_is_lost_to_100_000_addresses() -> None:
    clock = Clock()
    limiter = Limiter(clock)
    assert [limiter.take("192.0.2.1", False) for _ in range(2)] == [0, 0]
    for number in range(100_000):
        clock.now += 0.0001
        limiter.take(f"2001:db8:{number:x}::/64", True)
        assert len(limiter) <= 63
    assert limiter.take("192.0.2.1", False) == pytest.approx(50)
    through = 0
    for number in range(100_000):  # for a week
        clock.now += 6
        limiter.take(f"2001:db8:{number:x}::/64", True)
        through += limiter.take("192.0.2.2", False) == 0
        assert len(limiter) <= 662
    assert through == 167 * 12  # hours


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0.0, 0.5, 7.0, 59.0, 299.0, 3599.0]), st.sampled_from("abc"), st.booleans(), st.booleans()
        ),
        max_size=150,
    )
)
def test_no_order_of_tries_gets_more_through(steps: list[tuple[float, str, bool, bool]]) -> None:
    clock = Clock()
    limiter = Limiter(clock)
    wrong: dict[str, list[float]] = {"a": [], "b": [], "c": []}
    for pause, key, stranger, right in steps:
        clock.now += pause
        wait = limiter.take(key, stranger)
        if wait:
            clock.now += wait  # what it says is when the next one is let through
            assert limiter.take(key, stranger) == 0
        if right:
            limiter.give_back(key, stranger)
        else:
            wrong[key].append(clock.now)
    for times in wrong.values():
        assert all(later - earlier >= 59.999 for earlier, later in zip(times, times[2:], strict=False))
        assert all(later - earlier >= 3599.999 for earlier, later in zip(times, times[12:], strict=False))
