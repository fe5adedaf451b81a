"""Times and sizes in words."""

import pytest

from nbfab.units import room, size, span, stamp


def test_a_time_is_in_utc() -> None:
    assert stamp(0) == "1970-01-01T00:00:00Z"
    assert stamp(1_795_728_300.9) == "2026-11-26T21:25:00Z"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "less than a minute"), (59, "less than a minute"), (60, "1 min"), (11520, "3 h 12 min"), (90061, "1 d 1 h")],
)
def test_a_time_that_is_left(seconds: int, words: str) -> None:
    assert span(seconds) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (115 * 10**6, "110 MiB"),
        (14 * 2**30, "14 GiB"),
        (15_247_329_165, "14.2 GiB"),
        (1 << 63, "8 EiB"),
        (1 << 80, "1048576 EiB"),
    ],
)
def test_a_size_is_in_the_largest_unit_that_it_fills(count: int, words: str) -> None:
    assert size(count) == words


@pytest.mark.parametrize(
    ("total", "free", "words"),
    [(0, 0, "0 of 0 B free"), (1023, 1, "1 of 1023 B free"), (1 << 63, 1 << 60, "1 of 8 EiB free")],
)
def test_room_is_in_units_that_fit(total: int, free: int, words: str) -> None:
    assert room(total, free) == words
