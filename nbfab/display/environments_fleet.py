"""The environments on the hosts of a fleet."""

from collections.abc import Sequence

from nbfab.display.environments import lines
from nbfab.display.fleet import table
from nbfab.display.paint import Line, Painted
from nbfab.outcome import Outcome


def many(outcomes: Sequence[Outcome]) -> Painted:
    """Those of each host; a table has the hosts that failed, and counts them."""
    found: list[Line] = [line for outcome in outcomes if not outcome.error for line in lines(outcome)]
    failed = [outcome for outcome in outcomes if outcome.error]
    return Painted([*found, *(table(failed).split("\n") if failed or not outcomes else ())])
