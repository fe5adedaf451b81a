"""Logs: the server's own log, its end or as it grows, over a link that may come and go."""

import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from nbfab.cluster.member import FOLDER, ROLES
from nbfab.errors import ConnectError, Denied, HostError, HostKeyError, NbfabError, Refused, UsageError, stopper
from nbfab.fix import task, there
from nbfab.host import run
from nbfab.look import fact
from nbfab.outcome import Logged, Outcome
from nbfab.program import Program, Record, call, render, source
from nbfab.run.job import Job

LINES = 100  # that are shown unless another number is given
MOST = 20_000
SILENCE = 15.0  # seconds; a host that is followed gives a sign of life every two
LEFT = 128 + signal.SIGPIPE  # the exit status if no one reads what is printed any more
PAUSES = (0.5, 1, 2, 4, 8)  # seconds between a link that is gone and the next one
_FILES = ("look/json", "look/look", "look/logs")


def logs(job: Job, stopped: Callable[[], bool] = lambda: False) -> Outcome:
    """The last lines of the log, or with the flag `previous` the last before the server's last start.

    With `follow`, the user gets them, and what is added, until Control-C, or until it is `stopped` from another thread.
    """
    count = _count(job)
    if "follow" in job.flags and "previous" in job.flags:
        raise UsageError("--follow goes on from now, and --previous is what was before", "leave one of them out")
    if "follow" in job.flags:
        return _follow(job, count, stopped)
    part = "previous" if "previous" in job.flags else "last"
    job.user.sees("looking")
    found = _read(job, _program(job, count, part, ""))
    none = "there is no log of an earlier start" if part == "previous" else "the log is empty"
    notes = (none,) if count and not found else ()
    return _outcome(job, found, notes)


def of_cluster(job: Job) -> Outcome:
    """The last lines of the logs of a cluster's members on the host, in the order in which they were printed."""
    count, found = _count(job), list[Logged]()
    job.user.sees("looking")
    for role in ROLES:
        with suppress(Refused):  # it has never run here
            lines = _read(job, _program(job, count, "last", "", f"{FOLDER}/{role}.log"))
            when = ""
            for line in lines:
                when = line.time or when  # a line without a time stays behind the one before it
                found.append(Logged(when, f"{role}: {line.text}"))
    if count and not found:
        raise Refused("there is no log: no member of a cluster has been started", task("cluster.up"))
    found.sort(key=lambda line: line.time)
    return _outcome(job, found[-count:] if count else [], ())


def _read(job: Job, program: Program) -> list[Logged]:
    found: list[Logged] = []
    run(job.host, program, lambda record: found.extend(_lines(job, record)), SILENCE, "reading the log")
    return found


def _outcome(job: Job, found: Sequence[Logged], notes: tuple[str, ...]) -> Outcome:
    state = {"log": [{"time": line.time or None, "text": line.text} for line in found]}
    return Outcome(job.host.label, job.task, "unchanged", notes=notes, state=state)


def _follow(job: Job, count: int, stopped: Callable[[], bool]) -> Outcome:
    position, failed, reached = "", 0, False

    def receive(record: Record) -> None:
        nonlocal position, failed, reached
        if "lines" not in record:
            _check(job, record)
            return
        lines = _lines(job, record)
        try:
            behind = fact.word(record.get("position"))
        except ValueError as error:
            raise _nonsense(error) from None
        job.user.sees("")
        if failed:
            job.user.sees("the link is back")
        if record.get("missed") is True and position:
            lines = [Logged("", "nbfab: lines before this one are no longer in the log"), *lines]
        if lines:
            job.user.prints(job.host.label, lines)
        position, failed, reached = behind, 0, True

    job.user.sees("connecting")
    try:
        while True:
            try:
                run(job.host, _program(job, count, "follow", position), receive, SILENCE, "following", endless=True)
                raise HostError("what prints the log has ended", task("status"))
            except (Denied, HostKeyError, Refused):
                raise
            except (ConnectError, HostError) as error:
                if stopped():
                    break
                if not reached:
                    raise
                if not failed:
                    job.user.sees(f"the link is gone ({str(error).splitlines()[0]}); it is made again")
            job.host.renew()
            time.sleep(PAUSES[min(failed, len(PAUSES) - 1)])
            failed += 1
            if stopped():
                break
    except BrokenPipeError:  # of what gets the lines, such as head(1), which has seen enough
        return Outcome(job.host.label, job.task, "interrupted", status=LEFT)
    except KeyboardInterrupt as error:
        job.user.sees("")
        status = getattr(error, "status", 130)
        return Outcome(job.host.label, job.task, "interrupted", notes=(f"ended by {stopper(error)}",), status=status)
    return Outcome(job.host.label, job.task, "interrupted", status=130)


def _program(job: Job, count: int, part: str, position: str, log: str = "server.log") -> Program:
    looks = call(
        "look_log",
        profile=job.wanted.settings.profile,
        lines=str(count),
        part=part,
        position=position,
        log=log,
        log_probe=source("look/log_probe.py"),
    )
    return render(_FILES, [looks])


def _count(job: Job) -> int:
    given = next(iter(job.lists.get("lines", ())), str(LINES))
    if not (given.isascii() and given.isdigit() and int(given[:9]) <= MOST):
        raise UsageError(f"lines must be a whole number from 0 to {MOST}, not {given!r}")
    return int(given)


def _lines(job: Job, record: Record) -> list[Logged]:
    """The lines in what the host has printed. Raises Refused, or HostError if it makes no sense."""
    _check(job, record)
    try:
        return [_line(value) for value in fact.items(record.get("lines"))]
    except ValueError as error:
        raise _nonsense(error) from None


def _line(value: Any) -> Logged:
    try:
        when, text = fact.items(value)
    except ValueError:
        raise ValueError("a line of the log that is none") from None
    return Logged(fact.word(when or ""), fact.text(text))


def _check(job: Job, record: Record) -> None:
    if record.get("absent") is True:
        raise Refused("there is no log: the server has not been started", task("status"))
    if record.get("unreadable") is True:
        path = f"~/.local/share/nbfab/{job.wanted.settings.profile}/server.log"
        raise HostError("there is no Python to read the log with", there(f"tail -n 100 {path}"))


def _nonsense(error: Exception) -> NbfabError:
    return HostError(f"what the host reports makes no sense: {error}", "run it again")
