"""Signals that end a program, as Control-C."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from nbfab.errors import Ended, Interrupted, stopper
from nbfab.outcome import failure
from nbfab.signals import ENDS, as_control_c, ignored


@pytest.fixture(autouse=True)
def _defaults() -> Iterator[None]:
    """As in a program that was started by a shell: pytest's own caller may ignore some of them."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in ENDS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGQUIT, 131)])
def test_each_is_control_c_with_an_exit_status_of_its_own(number: signal.Signals, status: int) -> None:
    with pytest.raises(KeyboardInterrupt) as raised, as_control_c():
        os.kill(os.getpid(), number)
    outcome = failure("setup", "box", raised.value)
    assert (outcome.verdict, outcome.status) == ("interrupted", status)
    assert outcome.error.startswith(f"stopped by {number.name};")
    assert signal.getsignal(number) is signal.SIG_DFL


def test_two_at_once_are_one() -> None:
    """As when a terminal is closed: the kernel sends SIGHUP, and the shell one more."""
    raised = 0
    with as_control_c():
        for number in (signal.SIGHUP, signal.SIGHUP, signal.SIGTERM):
            try:
                os.kill(os.getpid(), number)
            except Ended:
                raised += 1
    assert raised == 1


def test_what_is_ignored_stays_so() -> None:
    """As under nohup(1)."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with as_control_c():
        os.kill(os.getpid(), signal.SIGHUP)
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_nothing_disturbs_the_end() -> None:
    with as_control_c(), ignored():
        for number in (signal.SIGINT, *ENDS):
            os.kill(os.getpid(), number)


def test_a_thread_leaves_signals_alone() -> None:
    handlers = []

    def look() -> None:
        with as_control_c():
            handlers.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join(10)
    assert handlers == [signal.SIG_DFL]


def test_control_c_itself_is_named_so() -> None:
    assert stopper(KeyboardInterrupt()) == "Control-C"
    assert Interrupted("", by=KeyboardInterrupt()).status == 130
