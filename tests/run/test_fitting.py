"""Which of the packages that were installed by hand are carried over."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from nbfab.run.resolve import fitting


@given(st.lists(st.text("abcdef", min_size=1), unique=True), st.sets(st.text("abcdef", min_size=1)))
def test_all_that_fit_are_found_in_their_order(packages: list[str], unfit: set[str]) -> None:
    asked: list[Sequence[str]] = []

    def fit(some: Sequence[str]) -> bool:
        asked.append(some)
        return unfit.isdisjoint(some)

    assert fitting(packages, fit) == [package for package in packages if package not in unfit]
    if unfit.isdisjoint(packages):
        assert len(asked) <= 1


def test_one_of_many_takes_few_questions() -> None:
    asked: list[Sequence[str]] = []

    def fit(some: Sequence[str]) -> bool:
        asked.append(some)
        return "17" not in some

    assert len(fitting([str(number) for number in range(64)], fit)) == 63
    assert len(asked) <= 13


def test_of_two_that_exclude_each_other_the_first_is_kept() -> None:
    assert fitting(["x", "a", "y", "b"], lambda some: not {"x", "y"} <= set(some)) == ["x", "a", "b"]
