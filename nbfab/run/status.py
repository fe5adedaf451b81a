"""Status: whether the server runs, why not, and what people want to know of it."""

from dataclasses import replace

from nbfab.errors import NbfabError
from nbfab.fix import Fix, called, task
from nbfab.look.facts import Facts
from nbfab.outcome import Outcome
from nbfab.plan import certificate, clients, down, kinds, password, pem, renewal
from nbfab.plan.server import why_not_set_up
from nbfab.plan.step import Step
from nbfab.plan.steps import STEPS, plan
from nbfab.run import around, foreground
from nbfab.run.days import in_time
from nbfab.run.describe import LOG_ENDS, describe
from nbfab.run.job import Job
from nbfab.run.see import see
from nbfab.wanted import Wanted


def status(job: Job) -> Outcome:
    """The state of the server; exit status 1 if it does not run and answer, DUE if its certificate ends too soon."""
    job, seen = see(replace(job, wanted=replace(job.wanted, around=True, others="all" in job.flags)))
    job.user.sees_hash(password.known(seen))
    outcome, server = around.added(describe(job, job.wanted, seen), job.wanted, seen), seen.server
    if server.ours and server.ready and "fingerprint" in outcome.state:
        return in_time(job, replace(outcome, verdict="running"), seen)
    wanted = foreground.if_without_tmux(job).wanted
    why, fix = _why_not(job, seen), _start(wanted, seen)
    try:
        plan(wanted, seen, _steps(wanted, seen))
    except NbfabError as error:  # what setup, or a start, would end with
        why, fix = f"{why}; it cannot be started: {error}", called(error.fix, "setup")
    if server.log and server.started and not down.was_idle(seen):
        why += f"\n{LOG_ENDS}\n{server.log}"
    return replace(outcome, verdict="not running", error=why, fix=fix, status=1)


def _steps(wanted: Wanted, seen: Facts) -> tuple[Step, ...]:
    """The steps that tell whether it can be started, which a certificate that has expired does not prevent."""
    have = pem.load(seen.files.text(certificate.FILE))
    served = have is not None and kinds.stays(wanted, have) and renewal.matches(seen, pem.public_key(have) or "")
    return tuple(step for step in STEPS if not (served and step is certificate.STEP))


def _why_not(job: Job, seen: Facts) -> str:
    """Why there is no server that answers, in a line."""
    server = seen.server
    if server.ours and server.ready:
        there = seen.files.text(certificate.FILE)
        return f"it runs, but its certificate {'cannot be read by nbfab' if there else 'is gone'}"
    if server.alive and not server.ours:
        return "a process with its pid runs, but that cannot be proven to be it"
    if down.comes_back(seen):
        return (
            f"it has crashed ({server.ended.words if server.ended else ''}), was started again, and does not answer yet"
        )
    if server.alive:
        return f"it runs, but does not answer: {server.why_not_ready}"
    if seen.files.state == "absent":
        return f"it does not run: there is no profile {job.wanted.settings.profile}"
    return down.why(seen)


def _start(wanted: Wanted, seen: Facts) -> Fix:
    """The task that makes it run: if it is set up, as it was."""
    if seen.files.state == "absent":
        return (task("setup"),)
    if seen.server.alive and list(clients.plan(wanted, seen)):
        return (task("setup"),)  # without a restart: it lets no one in, not even nbfab
    if seen.server.between or down.comes_back(seen):
        return "look again in a moment", task("status")
    if seen.server.boots and not (wanted.settings.at_boot or wanted.foreground or why_not_set_up(seen)):
        return task("start"), "to have it start whenever the host boots", task("setup", "--at-boot")
    if seen.server.alive and not seen.server.ready:
        return "if what runs in it may end", task("serve", "--restart")
    return (task("serve" if wanted.foreground or why_not_set_up(seen) else "start"),)
