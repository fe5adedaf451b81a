"""Look, plan, apply, look again: the tasks on one host."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from nbfab import reach
from nbfab.change import Change
from nbfab.errors import HostError, NbfabError, Refused
from nbfab.facts import Facts
from nbfab.host import Host, apply, look
from nbfab.outcome import Outcome, failure
from nbfab.passwords import Password
from nbfab.settings import EVERY_ADDRESS, is_name
from nbfab.steps import certificate, config, install, password, profile, server
from nbfab.steps.files import check_folder
from nbfab.wanted import Wanted

Step = Callable[[Wanted, Facts], Iterator[Change]]

STEPS: Mapping[str, Step] = {
    "install": install.install,
    "password": password.password,
    "certificate": certificate.certificate,
    "profile": profile.profile,
    "config": config.config,
    "server": server.server,
}
MOST_URLS = 3  # of this machine, for other machines: its name, its full name and an address
# What a running server takes up only when it is started anew.
RESTARTING = ("password", "config")


@dataclass(frozen=True)
class Job:
    """A task on one host: what is wanted, and whom to tell and to ask.

    `heard` is told what goes on, a line each, and an empty one before others use the terminal. `again` gives the
    command line of a task, for a person to type. `ask` gives a password where the host has none, `ask_new` one to
    put in place of the one that is there, and `confirm` a yes or no where kernels are live; they may wait for a person.
    `tell` reports before a task has ended that goes on.
    """

    task: str
    host: Host
    wanted: Wanted
    heard: Callable[[str], None] = field(default=lambda line: None)
    ask: Callable[[], Password] = field(default=lambda: Password())
    ask_new: Callable[[], Password | None] = field(default=lambda: None)
    again: Callable[[str], str] = field(default=lambda task: f"nbfab {task}")
    confirm: Callable[[str], bool] = field(default=lambda question: False)
    tell: Callable[[Outcome], None] = field(default=lambda outcome: None)


@dataclass
class Course:
    """What has come of a plan so far.

    The changes that were `sent` to the host, those that it has `begun` with, and what they `said` once they were done.
    """

    sent: list[Change] = field(default_factory=list)
    begun: list[Change] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


def plan(wanted: Wanted, facts: Facts, steps: Iterable[Step]) -> list[Change]:
    """What has to change on a host. Pure; raises HostError where it cannot become what is wanted."""
    check_folder(facts)
    return [change for step in steps for change in step(wanted, facts)]


def steps_for(names: Sequence[str], facts: Facts) -> list[Step]:
    """The steps of those names, and the server's after one that a running server has to take up."""
    after = ("server",) if facts.alive and any(name in RESTARTING for name in names) and "server" not in names else ()
    return [STEPS[name] for name in (*names, *after)]


def converge(
    job: Job,
    names: Sequence[str] = tuple(STEPS),
    *,
    foreground: bool = False,
    renew: bool = False,
) -> Outcome:
    """Makes the host what is wanted, as far as the steps of those names go. Raises NbfabError.

    In the `foreground` all is made ready, and the server is left to be started. With `renew` a new password is
    asked for in place of the one that is there.
    """
    job.heard("looking")
    seen = look(job.host, job.wanted)
    steps = steps_for(names, seen)
    if foreground:
        steps = [partial(server.server, foreground=True) if step is server.server else step for step in steps]
    wanted = job.wanted
    changes = plan(wanted, seen, steps)
    if "password" in names and password.missing(wanted, seen):
        wanted = replace(wanted, password=job.ask())
        changes = plan(wanted, seen, steps)
    elif renew and wanted.password is None and (new := job.ask_new()):
        wanted = replace(wanted, password=new)
        changes = plan(wanted, seen, steps)
    course = Course()
    try:
        now, withheld, live = _carry_out(job, wanted, seen, changes, steps, course)
    except (NbfabError, KeyboardInterrupt) as error:
        # The host may have the hash already: a password that nobody was told would lock everybody out.
        failed = replace(failure(job.task, job.host.label, error), password=_generated(wanted, course))
        unsure = failed.password and not any(change.step == "password" for change in course.begun)
        return replace(failed, notes=("the password counts if the host came as far as that",)) if unsure else failed
    outcome = describe(job, wanted, now)
    outcome = replace(
        outcome,
        verdict="changed" if course.begun else "unchanged",
        changes=_told(course.begun),
        notes=(*course.said, *outcome.notes),
        password=_generated(wanted, course),
    )
    if withheld:
        return replace(
            outcome,
            verdict="refused",
            withheld=tuple(change.summary for change in withheld),
            error=f"the server was not restarted, because that would end {', '.join(live)}",
            hint=f"when they may end: {job.again(job.task)} --restart",
            status=Refused.status,
        )
    if any(change.function == "start_server" for change in course.begun):
        outcome = _from_here(job, outcome, now)
    return outcome


def _carry_out(
    job: Job, wanted: Wanted, seen: Facts, changes: list[Change], steps: Sequence[Step], course: Course
) -> tuple[Facts, list[Change], tuple[str, ...]]:
    """Does what may be done and looks again; `course` is kept up to date.

    Returns what is seen then, what was withheld, and what is live and would have ended. Raises NbfabError.
    """
    now = seen
    # A second round only where the first one has shown that what was withheld may be done, or need not be.
    for _ in range(2):
        live = () if wanted.restart else now.live
        withheld = [change for change in changes if live and change.needs_restart]
        doing = [change for change in changes if change not in withheld]
        if not doing:
            break
        now = _apply(job, wanted, doing, now, course)
        changes = plan(wanted, now, steps)
        if not withheld:
            break
    left = [change for change in changes if change not in withheld]
    if left:
        raise HostError(f"done, but this is still to do: {left[0].summary}", job.again("plan"))
    return now, withheld, live


def _generated(wanted: Wanted, course: Course) -> str:
    """A password that was made for the host, once it is on its way there: it is told this one time."""
    made = wanted.password
    on_its_way = any(change.step == "password" for change in course.sent)
    return made.reveal() if made and made.generated and on_its_way else ""


def _apply(job: Job, wanted: Wanted, changes: Sequence[Change], seen: Facts, course: Course) -> Facts:
    def heard(record: Mapping[str, Any]) -> None:
        if "doing" in record:
            change = changes[record["doing"]]
            course.begun.append(change)
            job.heard(f"{change.step}: {change.summary}")
        elif "done" in record and record["text"]:
            course.said.append(str(record["text"]).strip())
        elif "says" in record:
            job.heard(f"  {record['says']}")

    course.sent += changes
    return apply(job.host, wanted, changes, seen, heard)


def preview(job: Job, names: Sequence[str] = tuple(STEPS)) -> Outcome:
    """What `converge` would change, and why; changes nothing."""
    seen = look(job.host, job.wanted)
    changes = plan(job.wanted, seen, steps_for(names, seen))
    outcome = describe(job, job.wanted, seen)
    live = () if job.wanted.restart else seen.live
    withheld = tuple(change.summary for change in changes if live and change.needs_restart)
    if withheld:
        why = f"not without --restart, because that would end {', '.join(live)}"
        outcome = replace(outcome, withheld=withheld, notes=(*outcome.notes, why))
    return replace(outcome, verdict="would change" if changes else "unchanged", changes=_told(changes))


def status(job: Job) -> Outcome:
    """Whether the server runs, and what a person asks of it; exit status 1 if it does not run and answer."""
    seen = look(job.host, job.wanted)
    outcome = replace(describe(job, job.wanted, seen), verdict="unchanged")
    if not (seen.ours and seen.server and seen.server.ready and "fingerprint" in outcome.state):
        why = "it does not run"
        if seen.ours and seen.server and seen.server.ready:
            why = "it runs, but its certificate is gone"
        elif seen.alive and not seen.ours:
            why = "a process with its number runs, but is not proven to be it"
        elif seen.alive:
            reason = seen.server.reason if seen.server else "there is no Python to ask it with"
            why = f"it runs, but does not answer: {reason}"
        tail = f"; its log ends:\n{seen.log}" if seen.log and seen.started else ""
        return replace(outcome, error=why + tail, hint=job.again("serve"), status=1)
    return _from_here(job, outcome, seen)


def stop(job: Job, *, force: bool = False) -> Outcome:
    """Ends the server, if it is proven to be ours, and sees that it has ended: process, kernels, port and files.

    Raises Refused where kernels live and nobody says yes.
    """
    seen = look(job.host, job.wanted)
    outcome = Outcome(job.host.label, job.task, "unchanged")
    if not seen.alive or seen.started is None:
        return replace(outcome, notes=("it does not run",))
    if not seen.ours:
        raise HostError(
            f"process {seen.started.pid} seems to be its server, but cannot be proven to be, so it is not ended",
            f"ps -fp {seen.started.pid}",
        )
    if seen.live and not force and not job.confirm(f"{job.host.label}: end {', '.join(seen.live)}?"):
        raise Refused(
            f"the server was not ended, because that would end {', '.join(seen.live)}", f"{job.again(job.task)} --force"
        )
    change = Change("server", f"end the server, process {seen.started.pid}", "stop_server", seen.started[1:3])
    # The port to be free is the one that it listens on, whatever port a next one shall have.
    wanted, answered = job.wanted, seen.server is not None and seen.server.ready
    if answered and seen.server:
        wanted = replace(wanted, settings=replace(wanted.settings, port=seen.server.port))
    now = _apply(job, wanted, [change], seen, Course())
    if now.session_pids and not now.alive:
        attach = f"tmux -L nbfab attach -t {wanted.settings.profile}"
        raise HostError("the server has ended, but somebody has opened more windows in its tmux session", attach)
    if now.alive or (answered and now.port_holder):
        what = "it still runs" if now.alive else f"port {wanted.settings.port} is held by {now.port_holder}"
        raise HostError(f"the server was told to end, but {what}", "run it again")
    with_it = f" with {', '.join(seen.live)}" if seen.live else ""
    ended = f"process {seen.started.pid} has ended{with_it}; its port and its files are free"
    return replace(outcome, verdict="changed", changes=_told([change]), notes=(ended,))


def describe(job: Job, wanted: Wanted, seen: Facts) -> Outcome:
    """What is to be known of a host, whatever was done there."""
    settings = wanted.settings
    port = seen.server.port if seen.server and seen.server.ready else settings.port
    state: dict[str, Any] = {"running": seen.ours, "folder": seen.folder}
    if not job.host.local:
        state["ssh"] = job.host.ssh
    cert = certificate.load(seen.certificate) if seen.certificate else None
    if seen.ours and seen.started:
        state["since"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seen.started.since))
        if seen.started.runner in seen.session_pids:
            state["attach"] = f"tmux -L nbfab attach -t {settings.profile}"
        state["kernels"] = list(seen.live)
    if cert:
        state["fingerprint"] = certificate.fingerprint(cert)
        state["days_left"] = certificate.days_left(cert, wanted.now)
    if job.host.local and seen.ours and settings.ip in EVERY_ADDRESS:
        own = [name for name in seen.names if is_name(name)]
        state["elsewhere"] = [f"https://{_in_url(name)}:{port}/" for name in own[:MOST_URLS]]
    modules = (install, certificate, server)
    name, address = job.host.names[0], settings.ip
    if address not in (*EVERY_ADDRESS, "localhost") and (job.host.local or not ip_address(address).is_loopback):
        name = address
    notes = tuple(note for module in modules for note in module.notes(wanted, seen))
    return Outcome(
        job.host.label,
        job.task,
        "unchanged",
        notes=notes,
        url=f"https://{_in_url(name)}:{port}/",
        state=state,
    )


def _from_here(job: Job, outcome: Outcome, seen: Facts) -> Outcome:
    """Tries the server from this machine too; what is in between belongs into the report."""
    port = seen.server.port if seen.server else job.wanted.settings.port
    failed = reach.reach(urlsplit(outcome.url).hostname or "", port, seen.certificate)
    if not failed:
        return outcome
    note = f"from here {outcome.url} does not get through ({failed})"
    if not job.host.local:
        listens = job.wanted.settings.ip
        why = "a firewall or a tunnel is between" if listens in EVERY_ADDRESS else f"it listens on {listens} only"
        there = "127.0.0.1" if listens in (*EVERY_ADDRESS, "localhost") else _in_url(listens)
        note += (
            f"; {why}. Until it is open: ssh -N -L {port}:{there}:{port} {job.host.ssh} and https://localhost:{port}/"
        )
    return replace(outcome, notes=(*outcome.notes, note))


def _in_url(name: str) -> str:
    return f"[{name}]" if ":" in name else name


def _told(changes: Iterable[Change]) -> tuple[Mapping[str, str], ...]:
    return tuple(
        {"step": change.step, "summary": change.summary, **({"diff": change.diff} if change.diff else {})}
        for change in changes
    )
