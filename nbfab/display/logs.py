"""Lines of the servers' logs: of one host as they are, of several with the host in front of each."""

import json
from collections.abc import Iterator, Sequence

from nbfab.display.fleet import table
from nbfab.display.paint import Line, Painted
from nbfab.outcome import Logged, Outcome
from nbfab.text import one_line


def merged(outcomes: Sequence[Outcome]) -> Painted:
    """The lines of all hosts in the order in which they were printed, and a table of the hosts that failed."""
    stamped = sorted((when, at, number, text) for at, each in enumerate(outcomes) for when, number, text in _each(each))
    width = max((len(outcome.host) for outcome in outcomes), default=0)
    lines: list[Line] = [(f"{outcomes[at].host:{width}}  {when[:23]:23}  {text}") for when, at, _, text in stamped]
    failed = [outcome for outcome in outcomes if outcome.error]
    return Painted([*lines, *(table(failed).split("\n") if failed else ())])


def _each(outcome: Outcome) -> Iterator[tuple[str, int, str]]:
    """The lines of a host, each with its time: one without, such as an earlier release wrote, has that before it."""
    when = ""
    for number, line in enumerate(outcome.state.get("log", ())):
        when = line["time"] or when
        yield when, number, one_line(line["text"])


def as_json(line: Logged, host: str) -> str:
    """A line as an object of JSON."""
    return json.dumps({"host": host, "time": line.time or None, "text": line.text})
