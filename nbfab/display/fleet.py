"""The reports on many hosts: a table of verdicts, plans that are folded."""

import re
import shlex
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from nbfab import fix as fixes
from nbfab.changed import Kind
from nbfab.display import findings
from nbfab.display.columns import aligned
from nbfab.display.host import style
from nbfab.display.hosts import MOST, named
from nbfab.display.lines import WIDTH
from nbfab.display.paint import Line, Painted, Piece
from nbfab.fix import Command, Fix, Note
from nbfab.outcome import Outcome

SHORT = 14  # characters of a detail that is listed for every host, such as `on port 65535`
_ALLOWED = r"( --allow=\S+)+"  # what an authority is to be allowed
_NOTHING = "no hosts: nothing to do"
_FILES: tuple[Kind, ...] = ("write", "write module")


def table(outcomes: Sequence[Outcome]) -> Painted:
    """A line per host with a URL: its verdict, what changed or the reason, the URL.

    Other hosts share a line with those that ended alike, or whose jump host failed alike. Below are fixes and notes,
    and verdicts are counted.
    """
    if not outcomes:
        return Painted([_NOTHING])
    behind = [outcome for outcome in outcomes if outcome.jump]
    alike: dict[tuple[object, str, str], list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        if not outcome.jump:
            url = outcome.url if outcome.state.get("running") else ""
            alike[_same(outcome), url, outcome.host if url else ""].append(outcome)
    rows = [
        (
            Piece(named([each.host for each in group])),
            Piece(_verdict(group[0]), style(group[0])),
            Piece(_what(group[0])),
            Piece(url, "bold"),
        )
        for (_, url, _), group in alike.items()
    ]
    head = ("HOST", "VERDICT", "WHAT", "URL" if any(row[-1].text for row in rows) else "")
    lines = aligned([tuple(map(Piece, head)), *rows]) if rows else []
    for group in _folded(behind, _same):
        names = named([each.host for each in group])
        lines.append((Piece(f"{names}: "), Piece("not reached", "bold bad"), Piece(f": {_what(group[0])}")))
    found = [outcome for outcome in outcomes if outcome.findings]
    others = [outcome for outcome in outcomes if not outcome.findings]
    lines += [*findings.of_many(found), *_fixes(others), *_notes(outcomes)]
    return Painted(
        [*lines, "", ", ".join(f"{len(group)} {_verdict(group[0])}" for group in _folded(outcomes, _verdict))]
    )


def plans(outcomes: Sequence[Outcome]) -> Painted:
    """What would change and with what, hosts with the same plan in one block, and what to know before it does."""
    lines = [line for group in _folded(outcomes, _plan) for line in _block(group)]
    lines += _fixes(outcomes)
    lines += _notes([outcome for outcome in outcomes if outcome.verdict in ("would change", "not reached")])
    return Painted(lines or [_NOTHING])


def _fixes(outcomes: Sequence[Outcome]) -> Iterator[Line]:
    """What to do about failures, each once: a line for each part, so that a command can be copied."""
    for group in _folded([outcome for outcome in outcomes if outcome.error and outcome.fix], _fix_of_any):
        names = [outcome.host for outcome in group]
        made = [_allowing(_fix_of_all(outcome, names), group) for outcome in group]
        such = f", such as {names[0]}" if len({*made}) > 1 else ""
        yield Piece("fix ", "bold"), Piece(f"for {named(names)}{such}:")
        yield from ((Piece(f"      {part}"),) for part in fixes.named(made[0], group[0].jump or _where(names)))


def _fix_of_any(outcome: Outcome) -> object:
    """A fix without the name of its host, by which it may differ from those of others."""
    own = {outcome.host: "HOST"}
    parts = (re.sub(_ALLOWED, " --allow", str(part)) for part in outcome.fix)
    return outcome.jump, tuple(tuple(own.get(word, word) for word in part.split()) for part in parts)


def _allowing(fix: Fix, group: Sequence[Outcome]) -> Fix:
    """A fix whose new authority may sign for every host of the group: one is enough."""
    lines = [part.line for outcome in group for part in outcome.fix if isinstance(part, Command)]
    every = "".join(dict.fromkeys(f" {word}" for line in lines for word in line.split() if word.startswith("--allow=")))
    return tuple(
        replace(part, line=re.sub(_ALLOWED, lambda _: every, part.line)) if isinstance(part, Command) else part
        for part in fix
    )


def _fix_of_all(outcome: Outcome, names: Sequence[str]) -> Fix:
    """A fix whose tasks are for all those hosts, unless they are too many to be listed."""
    if not 1 < len(names) <= MOST:
        return outcome.fix
    own = re.compile(rf"{re.escape(shlex.join(('--limit', outcome.host)))}(?= |$)")
    everyone = shlex.join(("--limit", ",".join(names)))
    return tuple(
        replace(part, line=own.sub(lambda _: everyone, part.line)) if isinstance(part, Command) else part
        for part in outcome.fix
    )


def _notes(outcomes: Sequence[Outcome]) -> list[Line]:
    """The notes on all hosts, each once, and what waits for a restart."""
    alike: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for outcome in outcomes:
        waits = f"takes effect at the next restart: {', '.join(outcome.pending)}"
        for note in dict.fromkeys((*outcome.told, waits) if outcome.pending else outcome.told):
            alike[_of_any(note, outcome)].append((outcome.host, note))
    return [line for group in alike.values() for line in _note(*zip(*group, strict=True))]


def _note(names: Sequence[str], notes: Sequence[str]) -> Iterator[Line]:
    """A note, and below it a line for each part of its fix."""
    first, such = notes[0], f", such as {names[0]}" if len({*notes}) > 1 else ""
    yield Piece("note: ", "mixed"), Piece(f"{named(names)}{such}: {first.words if isinstance(first, Note) else first}")
    if isinstance(first, Note):
        yield from ((Piece(f"      {part}"),) for part in fixes.named(first.fix, _where(names)))


def _where(names: Sequence[str]) -> str:
    """The host to type a fix on."""
    return names[0] if len(names) == 1 else "each of them"


def _of_any(note: str, outcome: Outcome) -> str:
    """A note without the ways to its host, by which it may differ from those of others."""
    port = outcome.url.rstrip("/").rpartition(":")[2]
    for own, any_host in ((outcome.url, "URL"), (outcome.state.get("ssh", ""), "HOST"), (port, "PORT")):
        note = note.replace(own, any_host) if own else note
    return note


def _verdict(outcome: Outcome) -> str:
    if outcome.task == "remove" and outcome.verdict == "changed":
        return "removed"
    return outcome.verdict


def _what(outcome: Outcome) -> str:
    """What changed on a host, or the reason why not."""
    if outcome.findings:
        return findings.layers(outcome)
    if outcome.error:
        return outcome.error.splitlines()[0]
    if outcome.task == "client.list":
        names = [client["name"] for client in outcome.state.get("clients") or () if client["role"] == "client"]
        return ", ".join(names) or "no clients"
    if outcome.task == "status" and not outcome.changes and "days_left" in outcome.state:
        return f"{outcome.state['days_left']} days left"
    if outcome.task == "cluster.status" and (cluster := outcome.state.get("cluster")):
        return ", ".join(member["role"] for member in cluster["members"])
    return ", ".join(dict.fromkeys(change.step for change in outcome.changes))


def _same(outcome: Outcome) -> object:
    """What hosts that share a line have in common."""
    return _verdict(outcome), _what(outcome)


def _plan(outcome: Outcome) -> object:
    """What a plan has in common with those of hosts that share its block."""
    if outcome.verdict != "would change":
        return _same(outcome)
    return _new(outcome), tuple((change.step, change.what, change.reason) for change in outcome.changes)


def _in_a_line(outcome: Outcome) -> str:
    """How a host is where nothing would be done."""
    if outcome.error:
        return f"{outcome.verdict}: {_what(outcome)}"
    return "nothing to remove" if outcome.task == "remove" else "nothing would change"


def _new(outcome: Outcome) -> bool:
    """Whether the profile would be made."""
    steps = {change.step for change in outcome.changes}
    return {"password", "certificate", "profile", "config", "server"} <= steps and not outcome.state.get("running")


def _block(group: Sequence[Outcome]) -> Iterator[Line]:
    """What would be done on hosts with the same plan: their names, and a line per change."""
    first, names = group[0], named([outcome.host for outcome in group])
    if first.verdict != "would change":
        yield Piece(f"{names}: "), Piece(_in_a_line(first), "bad" if first.error else "")
        return
    new = _new(first)
    yield Piece(f"{names}: ", "bold"), Piece("new" if new else "would change", "bold mixed")
    files = []
    for at, change in enumerate(first.changes):
        details = {outcome.host: outcome.changes[at].detail for outcome in group}
        if new and change.kind == "make private" and not change.reason:
            continue  # the folder that the files are in
        if new and change.kind in _FILES and not any(details.values()):
            files.append(change.what)
            continue
        yield _line(change.step, replace(change, detail=_details(details)).summary, "bold")
    if files:
        yield _line("files", f"write {len(files)} more {_details({of.host: _folder(of) for of in group})}")
    for withheld in first.withheld[:1]:
        yield _line("not done", f"without --restart: {withheld}")


def _folder(outcome: Outcome) -> str:
    return f"in {outcome.state['folder']}" if "folder" in outcome.state else ""


def _details(details: Mapping[str, str]) -> str:
    """What the hosts of a block differ in, each with its hosts; what they share, if they do not."""
    hosts: dict[str, list[str]] = defaultdict(list)
    for host, detail in details.items():
        hosts[detail].append(host)
    if len(hosts) == 1:
        return next(iter(hosts))
    if max(map(len, hosts)) <= SHORT:
        return ", ".join(f"{detail} ({', '.join(names)})" for detail, names in hosts.items())
    first = next(iter(hosts))
    return f"{first} ({hosts[first][0]}; other hosts differ)"


def _folded(outcomes: Sequence[Outcome], key: Callable[[Outcome], object]) -> list[list[Outcome]]:
    """The outcomes that have something in common, the most common first."""
    groups: dict[object, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        groups[key(outcome)].append(outcome)
    return sorted(groups.values(), key=len, reverse=True)


def _line(label: str, text: str, style: str = "") -> Line:
    return Piece(f"  {label:{WIDTH}}"), Piece(text, style)
