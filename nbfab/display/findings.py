"""What `doctor` has found: a line for each layer, and what to do about those that failed."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import groupby

from nbfab.display.hosts import named
from nbfab.display.lines import WIDTH, line, parts
from nbfab.display.paint import Line, Piece
from nbfab.finding import Finding
from nbfab.fix import Fix
from nbfab.outcome import Outcome


def wrong(outcome: Outcome) -> list[Finding]:
    """Those that failed."""
    return [finding for finding in outcome.findings if finding.state == "failed"]


def count(outcome: Outcome) -> str:
    """How many there are, as a verdict."""
    return f"{len(wrong(outcome)) or 'nothing'} found"


def layers(outcome: Outcome) -> str:
    """The layers that failed."""
    return ", ".join(dict.fromkeys(finding.layer for finding in wrong(outcome)))


def lines(findings: Sequence[Finding]) -> Iterator[Line]:
    """A line for each finding, and its fix below it; those that are unknown for the same reason share one."""
    for (state, words), group in groupby(findings, lambda finding: (finding.state, finding.words)):
        same = list(group)
        if state == "unknown" and len(same) > 1:
            yield line("unknown", f"{', '.join(finding.layer for finding in same)}: {words}")
            continue
        for finding in same:
            first, *more = words.splitlines() or [""]
            yield _line(finding.layer, state, first)
            yield from (line("", text) for text in more)
            yield from parts("fix", finding.fix)


def of_many(outcomes: Sequence[Outcome]) -> Iterator[Line]:
    """What failed on many hosts, each thing once, with those it failed on and what to do."""
    alike: dict[tuple[str, str], list[tuple[str, Fix]]] = defaultdict(list)
    for outcome in outcomes:
        for finding in wrong(outcome.named()):
            alike[finding.layer, finding.words].append((outcome.host, finding.fix))
    for (layer, words), hosts in alike.items():
        names, first = named([host for host, _ in hosts]), words.partition("\n")[0]
        yield Piece(f"{names}: ", "bold"), Piece(f"{layer}: "), Piece(first, "bad")
        for number, (host, fix) in enumerate(hosts):
            if number == 0 or fix not in [other for _, other in hosts[:number]]:
                such = f"fix on {host}" if len(hosts) > 1 else "fix"
                yield from parts(such, fix)


def _line(layer: str, state: str, words: str) -> Line:
    label = Piece(f"  {layer + '  ':{WIDTH}}", "bad" if state == "failed" else "")
    return label, Piece(f"{state}: ", {"failed": "bad", "ok": "good"}.get(state, "")), Piece(words)
