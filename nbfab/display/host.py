"""The report on one host."""

from collections.abc import Iterator, Mapping
from typing import Any

from nbfab.display import around, environments, findings, kernels
from nbfab.display.lines import line as _line
from nbfab.display.lines import parts as _parts
from nbfab.display.paint import Line, Painted, Piece
from nbfab.errors import NbfabError
from nbfab.fix import Note
from nbfab.outcome import Outcome
from nbfab.settings import origin, shown
from nbfab.text import one_line

_VERDICTS = {"unchanged": "nothing changed"}


def report(outcome: Outcome) -> Painted:
    """How a task ended on one host, for people; several lines. What it takes to log in comes last."""
    if outcome.task == "logs" and outcome.state.get("log"):
        return Painted([one_line(line["text"]) for line in outcome.state["log"]])
    if outcome.state.get("environments") is not None:
        return Painted(environments.lines(outcome))
    return Painted([_headline(outcome), *_lines(outcome.named())])


def refusal(error: NbfabError) -> Painted:
    """An error that kept a task from beginning, and its fix."""
    first, *more = str(error).split("\n")
    return Painted([(Piece("nbfab: "), Piece(first, "bad")), *more, *_parts("fix", error.fix)])


def style(outcome: Outcome) -> str:
    """How the verdict on a host looks."""
    if outcome.error or outcome.status:
        return "bold mixed" if outcome.verdict in ("unchanged", "refused", "interrupted") else "bold bad"
    return "bold mixed" if outcome.verdict == "would change" else "bold good"


def _headline(outcome: Outcome) -> Line:
    verdict = _VERDICTS.get(outcome.verdict, outcome.verdict)
    if outcome.verdict in ("healthy", "faulty"):
        verdict = findings.count(outcome)
    if outcome.task == "plan" and outcome.verdict == "unchanged":
        verdict = "nothing would change"
    if outcome.task == "logs" and not outcome.error:
        verdict = "no lines"
    if outcome.task == "kernels" and not outcome.changes and not outcome.error:
        verdict = kernels.count(outcome.state)
    if outcome.task == "remove":
        words = {"unchanged": "nothing to remove", "changed": "removed", "would change": "would be removed"}
        verdict = words.get(outcome.verdict, verdict)
    return Piece(f"{outcome.host}: "), Piece(verdict, style(outcome))


def _lines(outcome: Outcome) -> Iterator[Line]:
    for change in outcome.changes:
        yield _line(change.step, change.summary, "bold")
        if outcome.verdict == "would change":
            yield from (f"      {one_line(text)}" for text in change.diff.splitlines())
    for withheld in outcome.withheld if outcome.verdict == "refused" else ():
        yield _line("not done", withheld)
    if outcome.pending:
        yield _line("pending", f"takes effect at the next restart: {', '.join(outcome.pending)}")
    for note in outcome.told:
        yield from _parts("note", (note.words, *note.fix) if isinstance(note, Note) else (note,))
    if outcome.findings:
        yield from findings.lines(outcome.findings)
        return
    if outcome.error:
        first, *more = outcome.error.splitlines()
        yield _line("reason", first)
        yield from (f"      {one_line(text)}" for text in more)
    yield from _parts("fix", outcome.fix)
    yield from _state(outcome)


def _state(outcome: Outcome) -> Iterator[Line]:
    state = outcome.state
    daily = outcome.task == "open" and not outcome.changes  # so only what it takes to trust the page
    if "since" in state and not daily:
        yield _line("since", state["since"])
    if outcome.task in ("status", "plan") and state.get("restarts"):
        end = state["last_end"]
        last = "by the host's boot" if end["kind"] == "host" else f"after {end['why']}"
        yield _line("restarts", f"{state['restarts']}, the last {last} at {end['since']}")
    starts = state.get("at_boot") if outcome.task in ("status", "setup") else None
    if starts and starts["by"]:
        yield _line("at boot", f"starts by {starts['words']}")
    elif starts and not any(starts["words"] in str(note) for note in outcome.notes):
        yield _line("at boot", f"does not start: {starts['words']}")
    for kernel in state.get("kernels", ()) if outcome.task == "status" else ():
        yield _line("live", kernel)
    if outcome.task == "kernels":
        yield from kernels.lines(state)
    if outcome.task in ("status", "kernels"):
        yield from kernels.idle(state)
    if outcome.task == "status":
        yield from _guarded(state)
        for key, choice in state.get("settings", {}).items():
            if choice["source"] == "default":
                continue
            yield _line(key, f"{shown(key, choice['value'])} (from {origin(key, choice['source'])})")
        yield from around.lines(state)
    if "environment" in state and outcome.task == "status":
        yield _line("environment", state["environment"])
    if "attach" in state and not daily:
        yield _line("tmux", state["attach"])
    yield from _clients(outcome.task, state)
    if "fingerprint" in state:
        yield _line("certificate", f"SHA-256 {state['fingerprint']}, {state['days_left']} days left")
    if outcome.task in ("status", "plan") and "authority" in state:
        yield _line("authority", f"{state['authority']['name']}, {state['authority']['days_left']} days left")
    if outcome.task == "status" and state.get("pin"):
        yield _line("pin", state["pin"])
        yield _line("names", " ".join(state["names"]))
    if state.get("running"):
        if state.get("elsewhere"):
            yield _line("elsewhere", " ".join(state["elsewhere"]))
        if outcome.url:
            yield _line("open", outcome.url, "bold")
    if outcome.password:
        yield Piece("  Password: "), Piece(outcome.password, "bold")


def _clients(task: str, state: Mapping[str, Any]) -> Iterator[Line]:
    """Who may connect: all of them where that is asked for, else their names."""
    clients = state.get("clients")
    if clients is None:
        return
    people = [client["name"] for client in clients if client["role"] == "client"]
    if task == "status":
        yield _line("clients", f"only those with a certificate: {', '.join(people) or 'no browser yet'}")
    if task != "client.list":
        return
    for client in clients:
        # By the name that client.remove takes.
        who = client["name"] + (" (nbfab's own)" if client["role"] == "operator" else "")
        by = f", added by {client['added_by']}" if client["added_by"] else ""
        yield _line("client", f"{who}, {client['days_left']} days left{by}")
        yield _line("", f"SHA-256 {client['fingerprint']}")


def _guarded(state: Mapping[str, Any]) -> Iterator[Line]:
    if failed := state.get("failed_logins"):
        addresses = failed["addresses"]
        refused = f", {failed['refused']} more refused," if failed["refused"] else ""
        where = f", from {addresses} address{'' if addresses == 1 else 'es'}" if addresses else ""
        yield _line("logins", f"{failed['failures'] or 'none'} failed{refused} since {failed['since']}{where}")
    if names := ", ".join(state.get("tcp_kernels", ())):
        yield _line("not private", f"kernels of {names} use TCP: other users of the host can read what they print")
