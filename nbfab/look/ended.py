"""What ended the server last, as the program that tmux runs has noted it."""

from typing import Any, NamedTuple

from nbfab.look.fact import line, number, one_of, words

LATEST = 10**11  # seconds since the epoch, in the year 5138
_SIGNALS = {
    1: "SIGHUP",
    2: "SIGINT",
    3: "SIGQUIT",
    4: "SIGILL",
    6: "SIGABRT",
    7: "SIGBUS",
    8: "SIGFPE",
    9: "SIGKILL",
    11: "SIGSEGV",
    15: "SIGTERM",
}


class Ended(NamedTuple):
    """What ended the server last, and what followed.

    `restarts` is how often it was started again since a task started it; `since` is when it ended, in seconds since the
    epoch. `kind` is `exit`, with its status as `code`; `signal`, with its number; `memory`, a SIGKILL for want of
    memory; `host`, a restart of that; or `idle`, if nothing has run for as long as was chosen. It `follows` that the
    server is started `again`, stays `down`, or has crashed too often and is `given-up`.
    """

    restarts: int
    since: int
    kind: str
    code: int
    follows: str

    @property
    def words(self) -> str:
        """What ended it, for people."""
        if self.kind == "host":
            return "the host was restarted"
        if self.kind == "idle":
            return "it was idle"
        if self.kind == "exit":
            return f"exit status {self.code}"
        name = f" ({_SIGNALS[self.code]})" if self.code in _SIGNALS else ""
        return f"signal {self.code}{name}{', the host was out of memory' if self.kind == 'memory' else ''}"


def ended(value: Any) -> Ended | None:
    """The parser of that note; None if it was not written whole."""
    fields = words(line(value))
    try:
        restarts, since, kind, code, follows = fields
        found = Ended(
            number(restarts),
            number(since),
            one_of("exit", "signal", "memory", "host", "idle")(kind),
            number(code),
            one_of("again", "down", "given-up")(follows),
        )
    except ValueError:
        return None
    return found if found.since < LATEST else None


def rebooted(value: Any) -> bool:
    """Whether the host was restarted: the boot id and the start of process 1, as they were, and as they are.

    What is not known is a dash, and says nothing.
    """
    marks = words(line(value))
    before, now = marks[:2], marks[2:]
    return len(marks) == 4 and any(a != b for a, b in zip(before, now, strict=True) if "-" not in (a, b))
