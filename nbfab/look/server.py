"""The server that was started last, and its answer."""

import re
from typing import Any, NamedTuple

from nbfab.look.ended import Ended, ended, rebooted
from nbfab.look.fact import digits, fact, items, line, message, number, one_of, record, text, words, yes
from nbfab.records import dataclass
from nbfab.text import one_line

_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"
STARTS = 20  # seconds that a server may take until it answers
FOREVER = 10**11  # seconds since the epoch, in the year 5138


class Started(NamedTuple):
    """What the last start recorded: the shell around the server, the server's process, the digest of its settings.

    `start` is when the process started, in the form that `process.sh` prints; `since` is in seconds since the epoch.
    """

    runner: str
    pid: str
    start: str
    digest: str
    since: int


class Usage(NamedTuple):
    """What a kernel takes, with what it has started: bytes of memory, percent of one core.

    It was `started` at a time in seconds since the epoch.
    """

    memory: int
    cpu: int
    started: int


class Kernel(NamedTuple):
    """A live kernel: its id, its notebook if it has one, and whether it is busy, idle or starting.

    It was `active` last at a time in UTC, as reports have it; empty if that is not known. What it takes is None unless
    that was asked for and is known.
    """

    id: str
    notebook: str
    state: str
    active: str = ""
    usage: Usage | None = None

    def __str__(self) -> str:
        notebook = f" of {self.notebook}" if self.notebook else ""
        return f"kernel {self.id[:8]}{notebook} ({self.state})"


class Login(NamedTuple):
    """Whose environment the server has: that of a `whole` login, of a `part` of one, or of `none`; `words` say more."""

    way: str
    words: str


class Failed(NamedTuple):
    """Logins that failed: with a wrong password, and those that were refused after too many of them, unread.

    `since` is in seconds since the epoch; `addresses` is from how many addresses and local users they came.
    """

    failures: int
    refused: int
    since: int
    addresses: int


class Idle(NamedTuple):
    """When an idle server, and idle kernels, end, in seconds; 0 for never.

    `left` is how many are left of the server's; None while something is live, or if it does not end.
    """

    after: int
    kernels_after: int
    left: int | None


class Guard(NamedTuple):
    """What our module in the server says: logins that have `failed`, kernels that use TCP, by name; its `version`.

    `idle` is None in an earlier release.
    """

    failed: Failed
    tcp_kernels: tuple[str, ...]
    version: int = 0
    idle: Idle | None = None


class Answer(NamedTuple):
    """The running server's answer; `reason` is why it is not `ready`. `guard` is None in an earlier release."""

    ready: bool
    reason: str = ""
    port: int = 0
    kernels: tuple[Kernel, ...] = ()
    terminals: tuple[str, ...] = ()
    guard: Guard | None = None


def _started(value: Any) -> Started | None:
    try:
        runner, pid, start, digest, since = words(line(value))
        known = Started(digits(runner), digits(pid), start, digest, number(since))
    except ValueError:
        if isinstance(value, str):
            return None  # not written whole, or not by nbfab
        raise
    return known if known.since < FOREVER else None


def _booted(value: Any) -> int:
    found = number(value)
    return found if found < FOREVER else 0


def _pids(value: Any) -> tuple[str, ...]:
    return tuple(map(digits, words(value)))


def _login(value: Any) -> Login:
    way, _, words = text(value).partition(" ")
    return Login(one_of("whole", "part", "none")(way), words[:2000])


def _kernel(value: Any) -> Kernel:
    kernel = record(value)
    # The path of a session is null if its client gave none.
    notebook = kernel.get("notebook")
    return Kernel(
        line(kernel.get("id")),
        "" if notebook is None else line(notebook),
        line(kernel.get("state")),
        _time(kernel.get("last_activity")),
        _usage(kernel.get("usage")),
    )


def _time(value: Any) -> str:
    """A time as the servers have it, without fractions of a second."""
    match = re.match(_TIME, line(value or ""))
    return f"{match[0]}Z" if match else ""


def _usage(value: Any) -> Usage | None:
    if value is None:
        return None
    usage = record(value)
    found = Usage(number(usage.get("memory")), number(usage.get("cpu")), number(usage.get("started")))
    if found.started >= FOREVER:
        raise ValueError(f"{found.started} is no time")
    return found


def _idle(value: Any) -> Idle | None:
    if value is None:
        return None
    idle, left = record(value), record(value).get("left")
    return Idle(number(idle.get("after")), number(idle.get("kernels_after")), None if left is None else number(left))


def _guard(value: Any) -> Guard | None:
    if value is None:
        return None
    found = record(value)
    failed = record(found.get("failed"))
    since = number(failed.get("since"))
    if since >= FOREVER:
        raise ValueError(f"{since} is no time")
    return Guard(
        Failed(number(failed.get("count")), number(failed.get("refused")), since, number(failed.get("addresses"))),
        tuple(line(name) for name in items(found.get("tcp_kernels"))),
        number(found.get("version", 0)),
        _idle(found.get("idle")),
    )


def _answer(value: Any) -> Answer:
    answer = record(value)
    if answer.get("ready") is not True:
        return Answer(False, message(answer.get("reason", "")))
    port = number(answer.get("port"))
    if not 0 < port < 65536:
        raise ValueError(f"{port} is not a port")
    return Answer(
        True,
        "",
        port,
        tuple(_kernel(kernel) for kernel in items(answer.get("kernels"))),
        tuple(line(name) for name in items(answer.get("terminals"))),
        _guard(answer.get("guard")),
    )


@dataclass(frozen=True, kw_only=True)
class ServerFacts:
    """The server of the profile.

    `session_pids` are the processes that run in its tmux session, and `socket` is that of its tmux, empty if an earlier
    release has started it. `alive` is whether the process that was `started` still runs, and `login` what is known of
    its environment. `ended` is what ended the one before it, or this one, and `boots` whether the host was restarted
    since it was started, and `booted` when, in seconds since the epoch, or 0 if that is
    not known; both are only asked if it does not run. `session` is the login session that it belongs to, if
    any, and `ends_at_logout` the user's name if what they leave running is ended at logout; empty if the server runs,
    and not in the session that looks. `log` is the end of its log, empty if it answers.
    """

    session_pids: tuple[str, ...] = fact(_pids, default=())
    started: Started | None = fact(_started, default=None)
    socket: str = fact(text, default="")
    alive: bool = fact(yes, default=False)
    login: Login | None = fact(_login, default=None)
    ended: Ended | None = fact(ended, default=None)
    boots: bool = fact(rebooted, default=False)
    booted: int = fact(_booted, default=0)
    session: str = fact(text, default="")
    ends_at_logout: str = fact(text, default="")
    answer: Answer | None = fact(_answer, default=None)
    log: str = fact(message, default="")

    @property
    def ready(self) -> bool:
        """Whether it answers."""
        return self.answer is not None and self.answer.ready

    @property
    def in_session(self) -> bool:
        """Whether it runs in our tmux session."""
        return self.started is not None and self.started.runner in self.session_pids

    @property
    def between(self) -> bool:
        """Whether it has crashed, and what runs in our tmux session is about to start it again, or to end."""
        return not self.alive and self.in_session

    @property
    def last_end(self) -> Ended | None:
        """What has ended the server that was started last; None if it runs, or that is not known."""
        if self.alive or not (self.ended and self.started):
            return None
        before = self.ended.follows == "again" and not self.between
        return None if before or self.ended.since < self.started.since else self.ended

    @property
    def last_words(self) -> str:
        """The last line of its log that says something, without what runs it has noted; empty if there is none."""
        lines = (line.strip() for line in reversed(self.log.splitlines()) if not line.startswith("nbfab: the server "))
        return next(filter(None, lines), "")

    @property
    def ours(self) -> bool:
        """Whether a server runs that is proven to be this profile's.

        Its process has the recorded pid and start time, and either runs in our tmux session or accepts the token that
        it alone wrote into the profile's folder. A pid is no proof: another process may have it by now, also after a
        reboot.
        """
        return self.alive and (self.in_session or self.ready)

    @property
    def live(self) -> tuple[str, ...]:
        """What ending the server would destroy, in words that fit into a sentence: a notebook's name may hold lines."""
        return tuple(map(one_line, self.exactly_live))

    @property
    def exactly_live(self) -> tuple[str, ...]:
        """The same, with names as they are."""
        if not self.alive:
            return ()
        if self.answer is None or not self.answer.ready:
            return ("kernels it cannot list, because it does not answer",)
        return (*map(str, self.answer.kernels), *(f"terminal {name}" for name in self.answer.terminals))

    @property
    def why_not_ready(self) -> str:
        """Why it does not answer."""
        return self.answer.reason if self.answer else "there is no Python to ask it with"
