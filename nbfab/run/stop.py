"""Stop: ends the server, and what carries open pages to it."""

from dataclasses import replace

from nbfab.errors import HostError, Refused
from nbfab.fix import again, there
from nbfab.look.facts import Facts
from nbfab.outcome import Outcome
from nbfab.plan import at_boot
from nbfab.plan.change import Change
from nbfab.plan.relay import end_relays
from nbfab.plan.server import attach, stop_server
from nbfab.run import others
from nbfab.run.converge import Course, make, reported
from nbfab.run.job import Job
from nbfab.run.see import see


def check_ours(seen: Facts) -> None:
    """Raises HostError if a process runs that may be the profile's server, and that is not proven."""
    server = seen.server
    if server.alive and server.started and not server.ours:
        pid = server.started.pid
        raise HostError(
            f"process {pid} looks like its server, but that cannot be proven, so it is not ended",
            there(f"ps -fp {pid}"),
        )


def ending(job: Job, seen: Facts) -> tuple[Change, str]:
    """The change that ends the server, which runs; and what is live and ends with it. Raises as `stop`."""
    started, live = seen.server.started, ", ".join(seen.server.live)
    assert started
    check_ours(seen)
    if live and "force" not in job.flags and not job.user.confirms(f"{job.host.label}: end {live}?"):
        raise Refused(f"the server was not ended, because that would end {live}", again("--force"))
    args = stop_server(started.pid, started.start)
    detail = f"(process {started.pid})"
    return Change(step="server", kind="stop server", what="end the server", detail=detail, args=args), live


def stop(job: Job) -> Outcome:
    """Ends the server, if it is proven to be ours, and sees that it has ended: process, kernels, port and files.

    The relays of `open` end with it, those of all versions. If the port of another of the user's Jupyter servers was
    typed, that one is ended instead; if the port of none was, nothing is.

    Raises Refused if kernels are live, the flag `force` was not given, and the user does not say yes.
    """
    if others.is_typed(job) and job.task == "stop" and (outcome := others.stop(job)):
        return outcome
    job, seen = see(replace(job, wanted=replace(job.wanted, relay=True)))
    relays = [end_relays()] if seen.relay.running else []
    course = Course(job.user)
    server = seen.server
    outcome = Outcome(job.host.label, job.task, "unchanged", state={"running": False})
    if not (server.alive or server.between) or server.started is None:
        if not relays:
            return replace(outcome, notes=("it does not run",))
        make(job, job.wanted, relays, seen, course)
        return replace(outcome, verdict="changed", changes=reported(relays), notes=(*course.words, "it does not run"))
    change, live = ending(job, seen)
    # The port that has to be free is the one it listens on, whatever port the next one should have.
    wanted = job.wanted
    if server.answer and server.ready:
        wanted = replace(wanted, settings=replace(wanted.settings, port=server.answer.port))
    now = make(job, wanted, [change, *relays], seen, course)
    if now.server.session_pids and not now.server.alive:
        more = "the server has ended, but its tmux session has more windows, which stay"
        raise HostError(more, there(attach(wanted, now)))
    if now.server.alive or (server.ready and now.port.holder):
        still = "it still runs" if now.server.alive else f"port {wanted.settings.port} is held by {now.port.holder}"
        raise HostError(f"the server was asked to end, but {still}", "run it again")
    free = "its port is free, its files cannot be removed" if now.server.started else "its port and its files are free"
    comes = ("it starts again when the host boots",) if wanted.settings.at_boot and at_boot.is_on(now) else ()
    ended = f"it has ended{f' with {live}' if live else ''}; {free}"
    return replace(
        outcome, verdict="changed", changes=reported([change, *relays]), notes=(*course.words, ended, *comes)
    )
