"""What is live in the servers of a fleet."""

from collections.abc import Sequence

from nbfab.display.fleet import table
from nbfab.display.kernels import count, lines
from nbfab.display.paint import Line, Painted, Piece
from nbfab.outcome import Outcome


def many(outcomes: Sequence[Outcome]) -> Painted:
    """What is live on each host; a table has the hosts that failed, and counts them."""
    found: list[Line] = []
    for outcome in (outcome for outcome in outcomes if not outcome.error):
        found += [(Piece(f"{outcome.host}: ", "bold"), Piece(count(outcome.state))), *lines(outcome.state)]
    failed = [outcome for outcome in outcomes if outcome.error]
    return Painted([*found, *(table(failed).split("\n") if failed or not outcomes else ())])
