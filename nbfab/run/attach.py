"""Attach: the server's tmux session, on the user's own terminal."""

import shlex
from dataclasses import replace

from nbfab.errors import Refused
from nbfab.fix import Fix, task
from nbfab.look.facts import Facts
from nbfab.outcome import Outcome
from nbfab.plan.install import how_to_install
from nbfab.run.describe import describe
from nbfab.run.job import Job
from nbfab.run.see import see


def attach(job: Job) -> Outcome:
    """Hands the user the command that attaches; read-only, unless the flag `control` was given.

    Raises Refused if there is no such session.
    """
    job.user.sees("looking")
    job, seen = see(job)
    why, fix = _why_not(job, seen)
    if why:
        raise Refused(why, *fix)
    command = words(job.wanted.settings.profile, seen, control="control" in job.flags)
    job.user.attaches(command)
    outcome = describe(job, job.wanted, seen)
    return replace(outcome, state={**outcome.state, "attach": shlex.join(command)})


def words(session: str, seen: Facts, *, control: bool) -> tuple[str, ...]:
    """The words of the command that attaches, on the host (tmux(1))."""
    socket = ("-S", seen.server.socket) if seen.server.socket else ("-L", "nbfab")
    return ("tmux", "-u", *socket, "attach", *(() if control else ("-r",)), "-t", f"={session}")


def _why_not(job: Job, seen: Facts) -> tuple[str, Fix]:
    """Why there is no session to show, and what to do about it; empty if there is one, also while the server is down
    for a moment after a crash.
    """
    server = seen.server
    if server.in_session:
        return "", ()
    if seen.files.state == "absent":
        return f"it does not run: there is no profile {job.wanted.settings.profile}", (task("setup"),)
    if not server.ours:
        return "it does not run", (task("start"),)
    if not seen.host.tmux:
        return "there is no tmux, which shows the session", how_to_install(seen, "tmux")
    words = "the server does not run in nbfab's tmux session, but in the terminal it was started in"
    return words, ("to have it in tmux, end it there, and then", task("start"))
