"""The server on this machine in the foreground: without tmux, until Control-C."""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from types import FrameType

from nbfab.converge import Job, converge, describe
from nbfab.errors import HostError, NbfabError, Refused, UsageError
from nbfab.facts import Facts
from nbfab.host import look
from nbfab.outcome import Outcome, failure

STOP = 20  # seconds that a server may take to end
ENDS = (signal.SIGTERM, signal.SIGHUP)  # end it as Control-C does


def wanted_there(job: Job, asked: bool) -> bool:
    """Whether the server goes to the foreground: asked for, or on this machine without tmux."""
    if asked and not job.host.local:
        raise UsageError(
            "--foreground is for this machine; on a host the server runs in tmux", "leave out --foreground"
        )
    return asked or (job.host.local and shutil.which("tmux") is None)


def serve(job: Job) -> Outcome:
    """Makes all ready, runs the server until Control-C or SIGTERM, and ends it in order.

    The job's `tell` is told once it is ready. Raises Refused if it runs already, HostError if it does not get ready.
    """
    outcome = converge(job, foreground=True)
    if outcome.status:
        return outcome
    told: list[Outcome] = []
    try:
        return _run(job, outcome, told)
    except NbfabError as error:
        # The hash is in its place, so the password has to be told, if it was not yet.
        return replace(failure(job.task, job.host.label, error), password="" if told else outcome.password)


def _run(job: Job, outcome: Outcome, told: list[Outcome]) -> Outcome:
    """Runs the server that `outcome` has made ready; what the job is told once it answers is added to `told`."""
    seen = look(job.host, job.wanted)
    if seen.alive:
        raise Refused("the server runs already, in tmux", f"{job.again('status')}; {job.again('stop')}")
    if seen.port_holder:
        raise HostError(
            f"port {job.wanted.settings.port} is taken by {seen.port_holder}", "choose another: --port NUMBER"
        )
    environment = {name: value for name, value in os.environ.items() if name != "NBFAB_PASSWORD"}
    job.heard("")
    # In a session of its own: Control-C is for nbfab, which ends it without the question that Jupyter would ask.
    process = subprocess.Popen(
        ["/bin/sh", "run.sh"],
        cwd=seen.folder,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        env=environment,
        start_new_session=True,
    )
    for number in ENDS:
        signal.signal(number, _interrupt)
    try:
        is_ready = describe(job, job.wanted, _wait(job, process))
        notes = (*is_ready.notes, "in the foreground: Control-C ends it")
        told.append(
            replace(is_ready, verdict="changed", changes=outcome.changes, password=outcome.password, notes=notes)
        )
        job.tell(told[0])
        process.wait()
        if not _was_stopped(f"{seen.folder}/started"):
            seen = look(job.host, job.wanted)
            raise HostError(f"the server has ended by itself; its log ends:\n{seen.log}", job.again("serve"))
        return Outcome(job.host.label, job.task, "changed", notes=("the server was stopped",))
    except KeyboardInterrupt:
        return Outcome(job.host.label, job.task, "changed", notes=("the server has ended",))
    finally:
        _end(process, f"{seen.folder}/started")


def _was_stopped(note: str) -> bool:
    """Whether `stop` has ended the server: it removes the note of which process it was, a moment after that."""
    end = time.monotonic() + 3
    while os.path.exists(note) and time.monotonic() < end:
        time.sleep(0.1)
    return not os.path.exists(note)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _wait(job: Job, process: "subprocess.Popen[bytes]") -> Facts:
    end = time.monotonic() + job.wanted.seconds
    while True:
        seen = look(job.host, job.wanted)
        if seen.server and seen.server.ready:
            return seen
        if process.poll() is not None or time.monotonic() > end:
            reason = seen.server.reason if seen.server else "it ended at once"
            raise HostError(
                f"the server did not get ready: {reason}; its log ends:\n{seen.log}", "mend that and run it again"
            )
        time.sleep(0.2)


def _end(process: "subprocess.Popen[bytes]", note: str) -> None:
    """SIGTERM to the server, which is told from the shell around it by what it noted when it started."""
    # Somebody who presses Control-C twice wants it to end all the more.
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, *ENDS)}
    with suppress(OSError, ValueError), open(note, encoding="ascii") as file:
        runner, pid, *_ = file.read().split()
        if runner == str(process.pid) and process.poll() is None:
            os.kill(int(pid), signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP)
    for number, handler in before.items():
        signal.signal(number, handler)
