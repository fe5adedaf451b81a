"""Meeting: hosts that work side by side wait for each other, and for none that has ended."""

import threading
from collections.abc import Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from sshd import wait_until

from nbfab.errors import Interrupted
from nbfab.fleet.meeting import Meeting

NAMES = ("one", "two", "three")


class Hosts:
    """Hosts, each in a thread of its own, that meet; those of the run are `expected`, and `stopping` stops it."""

    def __init__(self, expected: Collection[str] = NAMES) -> None:
        self.expected, self.stopping = set(expected), threading.Event()
        self.meeting: Meeting[int] = Meeting(self._names, self.stopping)
        self._asked = 0
        self.threads = ThreadPoolExecutor(20)

    def _names(self) -> Collection[str]:
        self._asked += 1
        return self.expected

    def come(self, name: str, value: int = 0, topic: str = "looked") -> "Future[Mapping[str, int]]":
        """What a host learns once it has come; it has looked for the others when this returns."""
        asked = self._asked
        found = self.threads.submit(self.meeting.meet, topic, name, value)
        wait_until(lambda: self._asked > asked, "the host to come")
        return found


def test_each_host_learns_what_all_have_found() -> None:
    hosts = Hosts()
    found = [hosts.come(name, value) for value, name in enumerate(NAMES)]
    assert [each.result(60) for each in found] == [{"one": 0, "two": 1, "three": 2}] * 3


def test_no_host_goes_on_before_the_last_has_come() -> None:
    hosts = Hosts()
    found = [hosts.come("one"), hosts.come("two")]
    assert not [each for each in found if each.done()]
    hosts.come("three", 3)
    assert [each.result(60)["three"] for each in found] == [3, 3]


def test_no_host_waits_for_one_that_has_ended() -> None:
    hosts = Hosts()
    found = [hosts.come("one", 1), hosts.come("two", 2)]
    assert not [each for each in found if each.done()]
    hosts.meeting.leave("three")
    assert [each.result(60) for each in found] == [{"one": 1, "two": 2}] * 2


def test_a_host_that_had_ended_before_is_not_waited_for_at_any_topic() -> None:
    hosts = Hosts(["one", "two"])
    hosts.meeting.leave("two")
    assert hosts.meeting.meet("looked", "one", 1) == {"one": 1}
    assert hosts.meeting.meet("done", "one", 2) == {"one": 2}


def test_what_a_host_has_found_counts_also_if_it_ends_then() -> None:
    hosts = Hosts()
    found = hosts.come("one", 1)
    hosts.meeting.leave("one")
    hosts.come("two", 2)
    hosts.come("three", 3)
    assert found.result(60) == {"one": 1, "two": 2, "three": 3}


def test_one_topic_tells_nothing_of_another() -> None:
    hosts = Hosts(["one", "two"])
    done = hosts.come("one", 7, "done")
    assert hosts.come("two", 2).done() is done.done() is False
    assert hosts.come("two", 8, "done").result(60) == done.result(60) == {"one": 7, "two": 8}
    assert hosts.come("one", 1).result(60) == {"one": 1, "two": 2}


def test_hosts_that_turn_out_to_be_of_the_run_are_waited_for() -> None:
    """An inventory's names are known once the first connections stand."""
    hosts = Hosts(["one"])
    hosts.expected.add("two")
    found = hosts.come("one", 1)
    assert not found.done()
    hosts.come("two", 2)
    assert found.result(60) == {"one": 1, "two": 2}


def test_a_host_alone_does_not_wait() -> None:
    assert Hosts(["one"]).meeting.meet("looked", "one", 1) == {"one": 1}


def test_a_run_that_is_stopped_waits_no_more() -> None:
    hosts = Hosts()
    found = hosts.come("one")
    hosts.stopping.set()
    with pytest.raises(Interrupted, match="stopped while it waited for other hosts; what was done stays, whole"):
        found.result(60)


def test_what_one_host_does_with_its_answer_is_its_own() -> None:
    hosts = Hosts(["one", "two"])
    found, other = hosts.come("one", 1), hosts.come("two", 2)
    dict(found.result(60)).clear()
    assert found.result(60) is not other.result(60)
    assert other.result(60) == {"one": 1, "two": 2}


def test_many_hosts_meet_at_many_topics() -> None:
    names = [str(number) for number in range(20)]
    hosts = Hosts(names)

    def works(name: str) -> list[int]:
        return [sum(hosts.meeting.meet(str(topic), name, topic).values()) for topic in range(30)]

    assert [*hosts.threads.map(works, names, timeout=60)] == [[20 * topic for topic in range(30)]] * 20
