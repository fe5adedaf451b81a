"""What people see: progress while it goes on, then how it ended, as text or as one JSON document."""

import json
import shutil
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import ParamSpec, TextIO, TypeVar

from nbfab.outcome import Outcome

P = ParamSpec("P")
T = TypeVar("T")

VERDICTS = {
    "unchanged": "nothing changed",
    "changed": "changed",
    "would change": "would change",
    "refused": "refused",
    "failed": "failed",
    "not reached": "not reached",
    "interrupted": "interrupted",
}
WIDTH = 13  # of the first column: the longest step and two blanks


def clean(text: str) -> str:
    """Text from a host as a terminal may see it: no control characters but the ends of lines, nothing undecodable."""
    return "".join(
        c
        if c.isprintable() or c == "\n"
        else "    "
        if c == "\t"
        else c.encode("unicode_escape", "backslashreplace").decode()
        for c in text
    )


def text(outcome: Outcome, *, show_diffs: bool = False) -> str:
    """How a task ended on one host, for a person; several lines."""
    return clean("\n".join([_headline(outcome), *(f"  {line}" for line in _lines(outcome, show_diffs))]))


def _headline(outcome: Outcome) -> str:
    if outcome.task == "status" and outcome.verdict == "unchanged":
        return f"{outcome.host}: {'running' if not outcome.status else 'not running'}"
    if outcome.task == "plan" and outcome.verdict == "unchanged":
        return f"{outcome.host}: nothing would change"
    return f"{outcome.host}: {VERDICTS[outcome.verdict]}"


def _lines(outcome: Outcome, show_diffs: bool) -> Iterator[str]:
    for change in outcome.changes:
        yield f"{change['step']:{WIDTH}}{change['summary']}"
        if show_diffs:
            yield from (f"    {line}" for line in change.get("diff", "").splitlines())
    for withheld in outcome.withheld if outcome.verdict == "refused" else ():
        yield f"{'not done':{WIDTH}}{withheld}"
    for note in outcome.notes:
        yield f"{'note':{WIDTH}}{note}"
    if outcome.error:
        first, *more = outcome.error.splitlines()
        yield f"{'why':{WIDTH}}{first}"
        yield from (f"    {line}" for line in more)
    if outcome.hint:
        yield f"{'mend':{WIDTH}}{outcome.hint}"
    yield from _state(outcome)


def _state(outcome: Outcome) -> Iterator[str]:
    state = outcome.state
    if "since" in state:
        yield f"{'since':{WIDTH}}{state['since']}"
    for kernel in state.get("kernels", ()) if outcome.task == "status" else ():
        yield f"{'live':{WIDTH}}{kernel}"
    if "attach" in state:
        yield f"{'tmux':{WIDTH}}{state['attach']}"
    if "fingerprint" in state:
        yield f"{'certificate':{WIDTH}}SHA-256 {state['fingerprint']}, {state['days_left']} days left"
    if state.get("running"):
        yield f"{'open':{WIDTH}}{outcome.url}"
        if state.get("elsewhere"):
            yield f"{'elsewhere':{WIDTH}}{' '.join(state['elsewhere'])}"
    if outcome.password:
        yield f"Password: {outcome.password}"


def document(task: str, outcomes: Iterable[Outcome]) -> str:
    """How a task ended, one JSON document: `{"task": ..., "hosts": [...]}`, each host as `Outcome.document`."""
    hosts = [outcome.document() for outcome in outcomes]
    return json.dumps({"task": task, "hosts": hosts}, indent=2)


class Progress:
    """Says what goes on: on a terminal in one line that is overwritten, else in a line each. Knows no colours."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty()
        self._lock = threading.Lock()

    def __call__(self, host: str, line: str) -> None:
        """Tells of `host` that it is at `line`."""
        said = clean(f"{host}: {line}").replace("\n", " ")
        with self._lock:
            if self._live:
                self._stream.write(f"\r\x1b[K{said[: shutil.get_terminal_size().columns - 1]}")
            else:
                self._stream.write(f"{said}\n")
            self._stream.flush()

    def aside(self, question: Callable[P, T]) -> Callable[P, T]:
        """`question`, asked where no line of progress is in its way."""

        def ask(*args: P.args, **kwargs: P.kwargs) -> T:
            self.end()
            return question(*args, **kwargs)

        return ask

    def end(self) -> None:
        """Clears the line, so that the report can follow."""
        if self._live:
            with self._lock:
                self._stream.write("\r\x1b[K")
                self._stream.flush()
