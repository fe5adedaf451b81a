"""Attach: the server's tmux session, on the user's own terminal."""

from nbfab.errors import Refused
from nbfab.fix import Fix, task
from nbfab.look.facts import Facts
from nbfab.outcome import Outcome
from nbfab.run.describe import describe
from nbfab.run.job import Job
from nbfab.run.see import see


def attach(job: Job) -> Outcome:
    """Hands the user the command that attaches; read-only, unless the flag `control` was given.

    Raises Refused if there is no such session.
    """
    job.user.sees("looking")
    job, seen = see(job)
    why, fix = _why_not(seen)
    if why:
        raise Refused(why, *fix)
    job.user.attaches(words(job.wanted.settings.profile, seen, control="control" in job.flags))
    return describe(job, job.wanted, seen)


def words(session: str, seen: Facts, *, control: bool) -> tuple[str, ...]:
    """The words of the command that attaches, on the host (tmux(1))."""
    socket = ("-S", seen.server.socket) if seen.server.socket else ("-L", "nbfab")
    return ("tmux", "-u", *socket, "attach", *(() if control else ("-r",)), "-t", f"={session}")


def _why_not(seen: Facts) -> tuple[str, Fix]:
    server = seen.server
    if not server.alive:
        return "it does not run", (task("start"),)
    if not server.in_session:
        return "the server does not run in nbfab's tmux session, but in the terminal it was started in", ()
    return "", ()
