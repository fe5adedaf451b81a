"""The reports on many hosts: a table of verdicts, plans that are folded."""

import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from nbfab.fix import Note, named
from nbfab.outcome import Outcome
from nbfab.text import clean, clean_line, one_line

_NOTHING = "no hosts: nothing to do"


def table(outcomes: Sequence[Outcome]) -> str:
    """A line per host: its verdict, what changed or the reason and the fix, its URL; below, the verdicts are counted.

    Hosts that could not be reached because of the same jump host share a line.
    """
    if not outcomes:
        return _NOTHING
    behind = [outcome for outcome in outcomes if outcome.jump]
    rows = [
        (outcome.host, _verdict(outcome), _what(outcome.named()), outcome.url if outcome.state.get("running") else "")
        for outcome in outcomes
        if not outcome.jump
    ]
    lines = _aligned([("HOST", "VERDICT", "WHAT", "URL"), *rows]) if rows else []
    for _, names in _folded(behind, _same):
        lines.append(one_line(f"{_some(names)}: not reached: {_what(_first(behind, names).named())}"))
    lines += _notes(outcomes)
    lines += ["", ", ".join(f"{len(names)} {verdict}" for verdict, names in _folded(outcomes, _verdict))]
    return clean("\n".join(lines))


def plans(outcomes: Sequence[Outcome]) -> str:
    """What would change, hosts with the same plan in one line, and what to know before it does."""
    lines = [one_line(f"{_some(names)}: {_plan(_first(outcomes, names))}") for _, names in _folded(outcomes, _same)]
    lines += _notes([outcome for outcome in outcomes if outcome.verdict == "would change"])
    return clean("\n".join(lines) or _NOTHING)


def _notes(outcomes: Sequence[Outcome]) -> list[str]:
    """The notes on all hosts, each once, and what waits for a restart."""
    hosts: dict[str, list[str]] = defaultdict(list)
    for outcome in outcomes:
        waits = f"takes effect at the next restart: {', '.join(outcome.pending)}"
        for note in dict.fromkeys((*outcome.notes, waits) if outcome.pending else outcome.notes):
            hosts[note].append(outcome.host)
    return [line for note, names in hosts.items() for line in _note(note, names)]


def _note(note: str, names: Sequence[str]) -> Iterator[str]:
    """A note, and below it a line for each part of its fix."""
    yield one_line(f"note: {_some(names)}: {note.words if isinstance(note, Note) else note}")
    if isinstance(note, Note):
        where = names[0] if len(names) == 1 else "each of them"
        yield from (one_line(f"      {part}") for part in named(note.fix, where))


def _verdict(outcome: Outcome) -> str:
    if outcome.task == "status" and outcome.verdict == "unchanged":
        return "not running" if outcome.status else "running"
    if outcome.task == "remove" and outcome.verdict == "changed":
        return "removed"
    return outcome.verdict


def _what(outcome: Outcome) -> str:
    """What changed, or the reason and its fix, in a line."""
    if outcome.error:
        first, *more = outcome.fix or ("",)
        return " | ".join((outcome.error.splitlines()[0], *([f"fix: {first}"] if first else []), *map(str, more)))
    if outcome.task == "status" and not outcome.changes and "days_left" in outcome.state:
        return f"{outcome.state['days_left']} days left"
    return ", ".join(dict.fromkeys(change.step for change in outcome.changes))


def _same(outcome: Outcome) -> str:
    """What is the same for all hosts of a line; a fix may hold a host's name, and that of the first one will do."""
    return f"{outcome.verdict}: {outcome.error.splitlines()[0]}" if outcome.error else _plan(outcome)


def _first(outcomes: Sequence[Outcome], names: Sequence[str]) -> Outcome:
    return next(outcome for outcome in outcomes if outcome.host == names[0])


def _plan(outcome: Outcome) -> str:
    """A plan in the words that it shares with those of other hosts."""
    if outcome.error:
        return f"{outcome.verdict}: {_what(outcome)}"
    if outcome.verdict == "unchanged":
        return "nothing to remove" if outcome.task == "remove" else "nothing would change"
    steps = {change.step for change in outcome.changes}
    if {"password", "certificate", "profile", "config", "server"} <= steps and not outcome.state.get("running"):
        makes = any(change.kind == "make environment" for change in outcome.changes)
        return "new, and an environment has to be made" if makes else "new"
    common = [f"{change.what}: {change.reason}" if change.reason else change.what for change in outcome.changes]
    return "; ".join([*common, *(f"not without --restart: {what}" for what in outcome.withheld[:1])])


def _folded(outcomes: Sequence[Outcome], key: Callable[[Outcome], str]) -> Iterator[tuple[str, list[str]]]:
    """What hosts have in common, and their names, the most common first."""
    groups: dict[str, list[str]] = defaultdict(list)
    for outcome in outcomes:
        groups[key(outcome)].append(outcome.host)
    yield from sorted(groups.items(), key=lambda item: -len(item[1]))


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Rows in columns; a long reason should not push the others aside, so only short cells count."""
    rows = [tuple(map(clean_line, row)) for row in rows]  # before they are measured
    limit = max(30, shutil.get_terminal_size((120, 24)).columns // 2)
    widths = [max(len(row[at]) for row in rows if len(row[at]) <= limit) for at in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _some(names: Sequence[str]) -> str:
    if len(names) == 1:
        return names[0]
    shown = ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
    return f"{len(names)} hosts ({shown})"
