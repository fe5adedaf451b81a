"""What is counted and logged of failed logins."""

import logging

import pytest

from nbfab.server.tally import Tally


def test_the_counts_have_an_end() -> None:
    tally = Tally()
    for number in range(100_000):
        tally.refused(f"2001:db8:{number:x}::/64")
    tally.failed("192.0.2.1")
    report = tally.report()
    assert (report["count"], report["refused"], report["addresses"]) == (1, 100_000, 4096)
    assert report["since"] > 1_700_000_000


@pytest.mark.parametrize(("addresses", "most"), [(1, 4), (100_000, 54)])
def test_the_log_does_not_fill_the_disk_and_tells_what_it_leaves_out(
    addresses: int, most: int, caplog: pytest.LogCaptureFixture
) -> None:
    """In 200 s, at 500 a second."""
    now = [1000.0]
    tally = Tally(lambda: now[0])
    for number in range(100_000):
        now[0] += 0.002
        tally.say(logging.getLogger("server"), f"{number % addresses}", f"Login refused from {number}")
    lines = [record.getMessage() for record in caplog.records]
    assert most - 3 <= len(lines) <= most
    assert lines[0] == "Login refused from 0"
    last = int(lines[-1].split()[3])
    left_out = sum(int(line.partition("(")[2].split()[0]) for line in lines if "(" in line)
    assert len(lines) + left_out == last + 1


def test_one_who_keeps_on_does_not_hide_another(caplog: pytest.LogCaptureFixture) -> None:
    tally = Tally()
    for _ in range(1000):
        tally.say(logging.getLogger("server"), "192.0.2.1", "Login refused from 192.0.2.1")
    tally.say(logging.getLogger("server"), "192.0.2.2", "Login refused from 192.0.2.2")
    assert [record.getMessage() for record in caplog.records] == [
        "Login refused from 192.0.2.1",
        "Login refused from 192.0.2.2 (999 such lines left out before)",
    ]
