"""Hosts that lie: a small part of tests/campaign/fuzz.py."""

from campaign.fuzz import TASKS, fuzz


def test_whatever_a_host_reports_no_task_is_at_fault_or_tells_a_lie() -> None:
    figures = fuzz(1000, seed=0)
    assert figures.wrong == []
    assert figures.runs == 1000
    assert min(figures.verdicts[verdict] for verdict in ("changed", "unchanged", "failed", "would change")) > 10
    assert len(TASKS) == 20
