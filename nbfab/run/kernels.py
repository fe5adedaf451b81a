"""Kernels: what is live in the server, and what it takes; one kernel is interrupted or shut down on request."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from nbfab.errors import Refused, UsageError
from nbfab.fix import again, task
from nbfab.look.facts import Facts
from nbfab.look.server import Kernel
from nbfab.names import shortest
from nbfab.outcome import Outcome
from nbfab.plan import certificate
from nbfab.plan.change import Change
from nbfab.plan.install import choose
from nbfab.run.converge import Course, make, reported
from nbfab.run.describe import idle
from nbfab.run.job import Job
from nbfab.run.see import see
from nbfab.units import stamp

ACTIONS = ("interrupt", "shutdown")


def kernels(job: Job) -> Outcome:
    """The live kernels and terminals; exit status 1 if the server does not run. Looking is no activity.

    With `interrupt` or `shutdown`, does that to the kernel whose id begins so. Raises Refused if that is not exactly
    one, or it is busy, was not given `force`, and the user does not say yes.
    """
    action, given = _asked(job)
    job.user.sees("looking")
    job, seen = see(replace(job, wanted=replace(job.wanted, kernels=True)))
    if not (seen.server.ours and seen.server.ready):
        why = f"it runs, but does not answer: {seen.server.why_not_ready}" if seen.server.alive else "it does not run"
        return replace(_outcome(job, seen), verdict="not running", error=why, fix=(task("status"),), status=1)
    if not action:
        return _outcome(job, seen)
    kernel = _named(given, seen)
    asks = action == "shutdown" and kernel.state == "busy" and "force" not in job.flags
    if asks and not job.user.confirms(f"{job.host.label}: end {kernel}?"):
        raise Refused(f"{kernel} was not shut down, because that would end what it runs", again("--force"))
    course = Course(job.user)
    change = _change(job, seen, action, kernel)
    now = make(job, job.wanted, [change], seen, course)
    return replace(_outcome(job, now), verdict="changed", changes=reported([change]), notes=tuple(course.words))


def _asked(job: Job) -> tuple[str, str]:
    """What is to be done, and to which kernel; empty if that is to look. Raises UsageError."""
    asked = [(action, job.lists[action][0]) for action in ACTIONS if action in job.lists]
    if len(asked) > 1:
        raise UsageError("--interrupt goes on with a kernel, and --shutdown ends it", "leave one of them out")
    if asked and not asked[0][1]:
        raise UsageError(
            f"--{asked[0][0]} takes the id of a kernel, or how that begins", "to see them", task("kernels")
        )
    return asked[0] if asked else ("", "")


def _named(given: str, seen: Facts) -> Kernel:
    """The kernel whose id begins so, or is that. Raises Refused."""
    live = seen.server.answer.kernels if seen.server.answer else ()
    found = [kernel for kernel in live if kernel.id == given] or [
        kernel for kernel in live if kernel.id.startswith(given)
    ]
    if len(found) == 1:
        return found[0]
    those = found or live
    begins = f"{len(found)} kernels have an id that begins with" if found else "no kernel has an id that begins with"
    listed = "".join(f"\n{line}" for line in _lines(those)) if those else "; none is live"
    raise Refused(f"{begins} {given!r}{listed}", *((task("kernels"),) if those else ()))


def _lines(kernels: Sequence[Kernel]) -> list[str]:
    length = shortest([kernel.id for kernel in kernels])
    return [f"{kernel.id[:length]} {kernel.notebook or 'no notebook'} ({kernel.state})" for kernel in kernels]


def _change(job: Job, seen: Facts, action: str, kernel: Kernel) -> Change:
    started = seen.server.started
    assert started
    args = {
        "python": choose(job.wanted, seen).python,
        "pid": started.pid,
        "certificate": certificate.FILE,
        "port": str(job.wanted.settings.port),
        "does": action,
        "kernel": kernel.id,
    }
    if action == "interrupt":
        return Change(step="server", kind="interrupt kernel", what="interrupt", detail=str(kernel), args=args)
    return Change(step="server", kind="shut down kernel", what="shut down", detail=str(kernel), args=args)


def _outcome(job: Job, seen: Facts) -> Outcome:
    server = seen.server
    state: dict[str, Any] = {"running": server.ours, "folder": seen.files.folder}
    if not job.host.local:
        state["ssh"] = job.host.ssh
    if server.ours and server.answer and server.ready:
        state["kernels"] = list(server.exactly_live)
        state["live_kernels"] = [_document(kernel) for kernel in server.answer.kernels]
        state["terminals"] = list(server.answer.terminals)
        state |= idle(server)
    return Outcome(job.host.label, job.task, "unchanged", state=state)


def _document(kernel: Kernel) -> dict[str, Any]:
    usage = kernel.usage
    return {
        "id": kernel.id,
        "notebook": kernel.notebook or None,
        "state": kernel.state,
        "active": kernel.active or None,
        "started": stamp(usage.started) if usage else None,
        "memory": usage.memory if usage else None,
        "cpu": usage.cpu if usage else None,
    }
