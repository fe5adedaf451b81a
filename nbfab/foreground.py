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
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        is_ready = describe(job, job.wanted, _wait(job, process))
        notes = (*is_ready.notes, "in the foreground: Control-C ends it")
        told.append(
            replace(is_ready, verdict="changed", changes=outcome.changes, password=outcome.password, notes=notes)
        )
        job.tell(told[0])
        process.wait()
        seen = look(job.host, job.wanted)
        if seen.started:  # a note that `stop` removes
            raise HostError(f"the server has ended by itself; its log ends:\n{seen.log}", job.again("serve"))
        return Outcome(job.host.label, job.task, "changed", notes=("the server was stopped",))
    except KeyboardInterrupt:
        return Outcome(job.host.label, job.task, "changed", notes=("the server has ended",))
    finally:
        _end(job, process)


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


def _end(job: Job, process: "subprocess.Popen[bytes]") -> None:
    """SIGTERM to the server, which is told from the shell around it by what it noted when it started."""
    seen = look(job.host, job.wanted)
    if seen.alive and seen.started and seen.started.runner == str(process.pid):
        with suppress(ProcessLookupError):
            os.kill(int(seen.started.pid), signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP)
