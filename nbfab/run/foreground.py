"""The server on this machine in the foreground: without tmux, until Control-C."""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace

from nbfab.errors import HostError, NbfabError, Refused, UsageError
from nbfab.fix import again, task
from nbfab.look.facts import Facts
from nbfab.outcome import Outcome, failure
from nbfab.plan import takes
from nbfab.plan.server import another_port
from nbfab.plan.steps import STEPS
from nbfab.run.converge import converge
from nbfab.run.describe import describe
from nbfab.run.job import Job
from nbfab.run.see import see
from nbfab.signals import as_control_c, ignored

STOP = 20  # seconds that a server may take to end


def is_wanted(job: Job) -> bool:
    """Whether the server belongs in the foreground: that was asked for, or this machine has no tmux.

    Raises UsageError if it was asked for on another host.
    """
    asked = "foreground" in job.flags
    if asked and not job.host.local:
        raise UsageError("--foreground is for this machine; on a host the server runs in tmux", task("serve"))
    return asked or _is_without_tmux(job)


def falls_back(job: Job) -> bool:
    """Whether setup ends in the foreground: this machine has no tmux, and someone sees it who can end it."""
    return _is_without_tmux(job) and sys.stdout.isatty() and "json" not in job.flags


def if_without_tmux(job: Job) -> Job:
    """The job; where this machine has no tmux, for the foreground."""
    return replace(job, wanted=replace(job.wanted, foreground=True)) if _is_without_tmux(job) else job


def _is_without_tmux(job: Job) -> bool:
    return job.host.local and shutil.which("tmux") is None


def serve(job: Job) -> Outcome:
    """Makes everything ready, runs the server until Control-C or SIGTERM, and ends it in order.

    The user gets a report once it is ready. Raises Refused if it runs already, HostError if it does not become ready.
    """
    job = replace(job, wanted=replace(job.wanted, foreground=True))
    outcome = converge(job)
    if outcome.status:
        return outcome
    reports: list[Outcome] = []
    try:
        return _run(job, outcome, reports)
    except NbfabError as error:
        # The hash is in place, so the password has to be shown, unless it was.
        return replace(failure(job.task, job.host.label, error), password="" if reports else outcome.password)


def _run(job: Job, outcome: Outcome, reports: list[Outcome]) -> Outcome:
    """Runs the server that `outcome` has made ready; adds to `reports` what the user gets once it answers."""
    job, seen = see(job, STEPS)
    if seen.server.alive or seen.server.between:
        raise Refused("the server runs already, in tmux", task("status"), task("stop"))
    if seen.port.holder:
        port = job.wanted.settings.port
        raise HostError(f"port {port} is taken by {seen.port.holder}", *another_port(port))
    note = f"{seen.files.folder}/started"
    for name in ("environ", "login"):  # of a server in tmux; this one has the environment of its user here
        with suppress(FileNotFoundError):
            os.unlink(f"{seen.files.folder}/{name}")
    environment = {name: value for name, value in os.environ.items() if name != "NBFAB_PASSWORD"}
    environment["NBFAB_ONCE"] = "yes"  # a crash is seen by those who started it
    job.user.sees("")
    # In a session of its own: Control-C is for nbfab, which ends it without the question that Jupyter would ask.
    process = subprocess.Popen(
        ["/bin/sh", takes.RUN],
        cwd=seen.files.folder,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        env=environment,
        start_new_session=True,
    )
    with as_control_c():
        try:
            ready = describe(job, job.wanted, _wait(job, process))
            notes = (*ready.notes, "in the foreground: Control-C ends it")
            reports.append(
                replace(ready, verdict="changed", changes=outcome.changes, password=outcome.password, notes=notes)
            )
            job.user.gets(job.settled(reports[0]))
            process.wait()
            if not _was_stopped(note):
                job, seen = see(job, STEPS)
                if seen.server.last_end and seen.server.last_end.kind == "idle":
                    return Outcome(job.host.label, job.task, "changed", notes=("the server was idle, so it has ended",))
                raise HostError(f"the server has ended by itself; its log ends:\n{seen.server.log}", again())
            return Outcome(job.host.label, job.task, "changed", notes=("the server was stopped",))
        except KeyboardInterrupt:
            return Outcome(job.host.label, job.task, "changed", notes=("the server has ended",))
        finally:
            _end(process, note)


def _was_stopped(note: str) -> bool:
    """Whether `stop` has ended the server: a moment later, it removes the note of which process that was."""
    end = time.monotonic() + 3
    while os.path.exists(note) and time.monotonic() < end:
        time.sleep(0.1)
    return not os.path.exists(note)


def _wait(job: Job, process: "subprocess.Popen[bytes]") -> Facts:
    """What is seen once the server is ready. Raises HostError if it does not become so."""
    end = time.monotonic() + job.wanted.seconds
    while True:
        job, seen = see(job, STEPS)
        if seen.server.ready:
            return seen
        if process.poll() is not None or time.monotonic() > end:
            reason = seen.server.answer.reason if seen.server.answer else "it ended at once"
            raise HostError(
                f"the server did not become ready: {reason}; its log ends:\n{seen.server.log}",
                "fix that, then run it again",
            )
        time.sleep(0.2)


def _end(process: "subprocess.Popen[bytes]", note: str) -> None:
    """SIGTERM to the server, which the note it left when it started tells from the shell around it.

    Without that note, it was stopped; with it, it has ended by itself.
    """
    # Someone who presses Control-C twice wants it to end all the more.
    with ignored():
        told = False
        with suppress(OSError, ValueError), open(note, encoding="ascii") as file:
            runner, pid, *_ = file.read().split()
            if runner == str(process.pid) and process.poll() is None:
                os.kill(int(pid), signal.SIGTERM)
                told = True
        with suppress(subprocess.TimeoutExpired, OSError):
            process.wait(STOP)
            if told:
                os.unlink(note)
