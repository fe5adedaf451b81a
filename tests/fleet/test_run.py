"""A run over many hosts, without a host."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from nbfab.fleet.run import over
from nbfab.outcome import Outcome


@dataclass
class Idle:
    """A host on which nothing has to be done."""

    name: str

    def work(self, sees: Callable[[str], None], hears: Callable[[str], None]) -> Outcome:
        return Outcome(self.name, "plan", "unchanged")

    def cut(self) -> None:
        pass


def test_a_reader_that_has_left_ends_the_run_in_the_main_thread() -> None:
    ended = []

    def report(outcome: Outcome) -> None:
        ended.append(outcome.host)
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        over([Idle("one"), Idle("two")], "plan", 1, ended=report)
    assert ended == ["one"]
