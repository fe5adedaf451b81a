"""What people see of many hosts: the table that ends a run, plans that are folded, and JSON."""

import json
import shutil
from collections.abc import Sequence

from nbfab.fleet import folded
from nbfab.outcome import Outcome
from nbfab.report import clean

JUMP = "jump host "  # how an error begins that hosts behind the same jump host share


def table(outcomes: Sequence[Outcome]) -> str:
    """A line for each host: its verdict, what changed or why not with the mend, its URL; the verdicts counted below."""
    if not outcomes:
        return "no hosts: nothing to do"
    rows: list[tuple[str, str, str, str]] = []
    behind = {outcome.host: outcome.error for outcome in outcomes if outcome.error.startswith(JUMP)}
    for outcome in outcomes:
        if outcome.host not in behind:
            rows.append(
                (outcome.host, _verdict(outcome), _what(outcome), outcome.url if outcome.state.get("running") else "")
            )
    lines = _aligned([("HOST", "VERDICT", "WHAT", "URL"), *rows]) if rows else []
    for error, names in folded([outcome for outcome in outcomes if outcome.host in behind], lambda o: _what(o)):
        lines.append(f"{_some(names)}: not reached: {error}")
    notes = list(dict.fromkeys(note for outcome in outcomes for note in outcome.notes))
    if len(outcomes) > 1 or notes:
        lines += [f"note: {_some([o.host for o in outcomes if note in o.notes])}: {note}" for note in notes]
    counts = folded(outcomes, _verdict)
    lines.append("")
    lines.append(", ".join(f"{len(names)} {verdict}" for verdict, names in counts))
    return clean("\n".join(lines))


def _verdict(outcome: Outcome) -> str:
    if outcome.task == "status" and outcome.verdict == "unchanged":
        return "not running" if outcome.status else "running"
    return outcome.verdict


def _what(outcome: Outcome) -> str:
    """What changed, or the reason and its mend, in a line."""
    if outcome.error:
        reason = outcome.error.splitlines()[0]
        return f"{reason} | mend: {outcome.hint}" if outcome.hint else reason
    steps = dict.fromkeys(change["step"] for change in outcome.changes)
    return ", ".join(steps) or (
        f"{outcome.state['days_left']} days left" if "days_left" in outcome.state and outcome.task == "status" else ""
    )


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Rows in columns; a long reason is no reason to move the others, so only short cells count."""
    limit = max(30, shutil.get_terminal_size((120, 24)).columns // 2)
    widths = [max(len(row[at]) for row in rows if len(row[at]) <= limit) for at in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def plans(outcomes: Sequence[Outcome]) -> str:
    """What would change, hosts with the same plan in a line."""
    lines = [f"{_some(names)}: {what}" for what, names in folded(outcomes, _plan)]
    return clean("\n".join(lines) or "no hosts: nothing to do")


def _plan(outcome: Outcome) -> str:
    if outcome.error:
        return f"{outcome.verdict}: {_what(outcome)}"
    if outcome.verdict == "unchanged":
        return "nothing would change"
    steps = {change["step"] for change in outcome.changes}
    if {"password", "certificate", "profile", "config", "server"} <= steps and not outcome.state.get("running"):
        made = any(change["step"] == "install" and change["summary"].startswith("make ") for change in outcome.changes)
        return "new, and an environment has to be made" if made else "new"
    # A certificate's names differ from host to host, its reason does not.
    said = [
        f"certificate renews: {change['summary'].rpartition(': ')[2]}"
        if change["step"] == "certificate"
        else change["summary"]
        for change in outcome.changes
    ]
    return "; ".join([*said, *(f"not without --restart: {what}" for what in outcome.withheld[:1])])


def _some(names: Sequence[str]) -> str:
    if len(names) == 1:
        return names[0]
    shown = ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
    return f"{len(names)} hosts ({shown})"


def document(task: str, outcomes: Sequence[Outcome], **files: str) -> str:
    """The same content as one JSON document, `{"task": ..., "hosts": [...]}`, hosts as `Outcome.document`.

    `files` are those that were written, by what they hold.
    """
    whole = {"task": task, "hosts": [outcome.document() for outcome in outcomes]}
    return json.dumps(whole | {name: path for name, path in files.items() if path}, indent=2)
