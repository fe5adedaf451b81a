"""Records: as dataclasses, but for what the type checker sees to."""

import dataclasses
from collections.abc import Callable
from dataclasses import field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbfab.records import record

BOTH = [pytest.param(dataclasses.dataclass, id="dataclass"), pytest.param(record, id="record")]


def made(by: Any, **options: bool) -> Any:
    """A class of every kind of field."""

    class Login:
        """What logs in."""

        name: str
        password: str = field(default="", repr=False)
        seen: list[int] = field(default_factory=list, compare=False)

    return by(**options)(Login)


@given(st.text(), st.text(), st.text())
def test_a_record_shows_and_compares_itself_as_a_dataclass_does(one: str, other: str, password: str) -> None:
    by_them, by_us = made(dataclasses.dataclass, frozen=True), made(record, frozen=True)
    for left, right in [((one, password), (one, password)), ((one, password), (other, password))]:
        assert repr(by_us(*left)) == repr(by_them(*left))
        assert (by_us(*left) == by_us(*right, [1])) is (by_them(*left) == by_them(*right, [1]))
        assert hash(by_us(*left)) == hash(by_them(*left))
    assert replace(by_us(one), name=other) == by_us(other)
    assert dataclasses.asdict(by_us(one, password)) == dataclasses.asdict(by_them(one, password))


@pytest.mark.parametrize("by", BOTH)
class TestAsADataclass:
    """What holds for both."""

    def test_records_of_two_classes_differ(self, by: Any) -> None:
        login = made(by)
        assert login("a") == login("a")
        assert login("a") != made(by)("a")
        assert login("a") != "a"

    def test_only_what_is_frozen_is_hashed(self, by: Any) -> None:
        with pytest.raises(TypeError, match="unhashable type: "):
            hash(made(by)("a"))

    def test_without_eq_each_is_itself(self, by: Any) -> None:
        login = made(by, frozen=True, eq=False)
        one, other = login("a"), login("a")
        assert one != other
        assert len({one, other, one}) == 2

    def test_fields_may_have_to_be_named(self, by: Any) -> None:
        login = made(by, kw_only=True)
        assert login(name="a").name == "a"
        with pytest.raises(TypeError, match="takes 1 positional argument but 2 were given"):
            login("a")

    def test_what_a_class_says_of_itself_stays(self, by: Callable[[type], Any]) -> None:
        class Secret:
            """A secret."""

            text: str

            def __repr__(self) -> str:
                return "hidden"

        assert repr(by(Secret)("a")) == "hidden"

    def test_a_record_without_fields_equals_another(self, by: Callable[[type], Any]) -> None:
        class Nothing:
            """Nothing."""

        nothing = by(Nothing)
        assert nothing() == nothing()

    def test_fields_are_inherited(self, by: Callable[[type], Any]) -> None:
        @by
        class First:
            """With one field."""

            one: int

        class Second(First):
            """With two."""

            two: int = 0

        second: Any = by(Second)
        assert second(1, 2) == second(1, 2)
        assert second(1, 2) != second(2, 2)
        assert repr(second(1)).endswith("Second(one=1, two=0)")
