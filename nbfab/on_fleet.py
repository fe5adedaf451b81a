"""Makes a task for many hosts of a task for one: which hosts, their passwords, the question, the table."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invoke import Context, Exit, Task

from nbfab.errors import UsageError
from nbfab.on_host import EVERYWHERE, INVENTORY, Body, HostTask, declare, exits, refuse_dry_run

if TYPE_CHECKING:
    from nbfab.fleet import Run
    from nbfab.handout import Handout
    from nbfab.inventory import Inventory, InventoryHost
    from nbfab.members import Member
    from nbfab.outcome import Outcome

CHOOSING = {"inventory": None, "limit": None, "jobs": None, "failed": False, "fail_fast": False, "yes": False}


def on_fleet(task: HostTask) -> Task[Any]:
    """The task for many hosts that does on each what `task` does on one."""
    own = [flag for flag in task.own if flag != "foreground"]

    def run(c: Context, given: Mapping[str, Any]) -> None:
        _fleet(c, task, given)

    told = (task.__doc__ or "").strip().splitlines()[0]
    doc = f"On every host: {told[:1].lower()}{told[1:]}"
    made: Task[Any] = declare(run, task.name, doc, CHOOSING | dict.fromkeys((*own, *EVERYWHERE), False))
    return made


def page_task() -> Task[Any]:
    """The task that writes the page of a fleet."""

    def run(c: Context, given: Mapping[str, Any]) -> None:
        _page(c, given)

    doc = "Write a page of all hosts for people: links, states, fingerprints, commands to copy."
    options = {**CHOOSING, "output": None, **dict.fromkeys(EVERYWHERE, False)}
    made: Task[Any] = declare(
        run, "page", doc, {key: options[key] for key in options if key not in ("failed", "fail_fast", "yes")}
    )
    return made


def _page(c: Context, given: Mapping[str, Any]) -> None:
    import time

    from nbfab import tasks
    from nbfab.fleet_report import document
    from nbfab.handout import Handout
    from nbfab.jumps import Jumps
    from nbfab.members import members_of
    from nbfab.page import page
    from nbfab.report import Progress

    with exits():
        refuse_dry_run(c, "page")
        _no_host(c)
        jobs = _jobs(given["jobs"])
        _, hosts = chosen(given, "page")
        ended = _not_contacted("status", hosts)
        handout, jumps = Handout(hosts), Jumps()
        contacted = [host for host in hosts if host.name not in ended]
        members = members_of(c, contacted, tasks.status.does, given, handout, jumps)
    try:
        run = _run(members, "status", jobs, Progress())
    finally:
        jumps.close()
    if run.interrupted:
        raise Exit("the page was not written", code=130)
    ended |= {outcome.host: outcome for outcome in run.in_order()}
    outcomes = [ended[host.name] for host in hosts]
    path = Path(given["output"] or "fleet.html")
    new = path.with_name(f".{path.name}.new")
    with exits():
        try:
            new.write_text(page(outcomes, time.strftime("%Y-%m-%d %H:%M %Z")), encoding="utf-8")
            new.replace(path)
        except OSError as error:
            raise UsageError(f"{path} could not be written: {error.strerror}") from None
    if given["json"]:
        print(document("page", outcomes, page=str(path.resolve())))
    else:
        print(f"{path.resolve()}: {sum(not outcome.status for outcome in outcomes)} of {len(outcomes)} running")
    if any(outcome.status for outcome in outcomes):
        raise Exit(code=1)


def chosen(given: Mapping[str, Any], task: str) -> "tuple[Inventory, Sequence[InventoryHost]]":
    """The inventory, and the hosts in it that --limit and --failed leave. Tells what was not understood.

    Raises UsageError.
    """
    from nbfab import memory
    from nbfab.inventory import load
    from nbfab.report import clean

    path = Path(given["inventory"] or INVENTORY)
    if not given["inventory"] and not path.exists():
        raise UsageError(f"there is no {path} here", "--inventory FILE; hosts.example.yaml shows what it may hold")
    inventory = load(path)
    for note in inventory.notes:
        print(clean(note), file=sys.stderr)
    hosts = inventory.select(given["limit"]) if given["limit"] is not None else inventory.hosts
    if given.get("failed"):
        names = memory.failed(path, task)
        hosts = tuple(host for host in hosts if host.name in names)
    return inventory, hosts


def _fleet(c: Context, task: HostTask, given: Mapping[str, Any]) -> None:
    """One call of a task for many hosts."""
    from nbfab import asking, memory
    from nbfab.fleet_report import document, plans, table
    from nbfab.handout import Handout
    from nbfab.jumps import Jumps
    from nbfab.members import members_of
    from nbfab.report import Progress

    name = task.name
    with exits():
        refuse_dry_run(c, name)
        _no_host(c)
        jobs = _jobs(given["jobs"])
        inventory, hosts = chosen(given, name)
        known = _not_contacted(name, hosts)
        contacted = [host for host in hosts if host.name not in known]
        handout = Handout(hosts)
        jumps = Jumps()
        everybody = asking.given_password(given["password_stdin"]) if "password_stdin" in given else None
        if everybody and name != "plan":
            _ = everybody.hash  # made once, before the threads
        members = members_of(c, contacted, task.does, given, handout, jumps, everybody)
    progress = Progress()
    run = None
    try:
        if name == "setup" and not given["yes"] and not given["json"] and members and asking.somebody():
            looking = members_of(c, contacted, _plan_body(), given, handout, jumps, everybody)
            preview = _run(looking, "plan", jobs, progress)
            print(plans([*preview.in_order(), *known.values()]), flush=True)
            if preview.stopping.is_set():
                raise Exit("nothing was changed", code=130)
            # Nobody has seen what would change on a host that was not reached, so nothing is changed there.
            known |= {outcome.host: outcome for outcome in preview.in_order() if outcome.status}
            if not any(outcome.verdict == "would change" for outcome in preview.in_order()):
                print("nothing to do on those that were reached")
            elif not _confirm():
                raise Exit("nothing was changed", code=1)
        todo = [member for member in members if member.name not in known]
        run = _run(todo, name, jobs, progress, fail_fast=given["fail_fast"], handout=handout)
    finally:
        if run is None or not run.left:  # or it would wait for hosts that somebody does not wait for
            jumps.close()
    ended = {outcome.host: outcome for outcome in run.in_order()} | known
    outcomes = [ended[host.name] for host in hosts]
    if given["json"]:
        print(document(name, outcomes, passwords=handout.path))
    else:
        print(plans(outcomes) if name == "plan" else table(outcomes))
        if handout.path:
            print(f"\nURLs and passwords, for you alone: {handout.path}", flush=True)
    with exits():
        memory.remember(inventory.path, name, outcomes, whole=not given["failed"] and given["limit"] is None)
    worst = max((outcome.status for outcome in outcomes), default=0)
    if worst:
        raise Exit(code=130 if run.interrupted else 1)


def _not_contacted(task: str, hosts: "Sequence[InventoryHost]") -> "dict[str, Outcome]":
    """The outcomes of hosts of which it is not certain which machine is meant."""
    from nbfab.outcome import failure

    return {
        host.name: replace(failure(task, host.name, host.unread), verdict="refused") for host in hosts if host.unread
    }


def _no_host(c: Context) -> None:
    host = getattr(c, "nbfab_host", "")
    if host:
        raise UsageError("the hosts of a fleet are those of its inventory, not of -H", f"--limit {host}")


def _plan_body() -> Body:
    from nbfab import tasks

    return tasks.plan.does


def _run(
    members: "Sequence[Member]",
    task: str,
    jobs: int,
    progress: Any,
    *,
    fail_fast: bool = False,
    handout: "Handout | None" = None,
) -> "Run":
    """Runs members with what is right for the terminal: a live display, or a line each."""
    from nbfab import fleet

    questions = fleet.Questions()
    if handout:
        handout.aside = questions
    if not sys.stderr.isatty():
        return fleet.over(members, task, jobs, fail_fast=fail_fast, heard=progress, questions=questions)
    from nbfab.live import Live

    live = Live()
    questions.aside = live.aside

    def display(run: "Run") -> AbstractContextManager[object]:
        return live.of(run) if members else nullcontext()

    return fleet.over(members, task, jobs, fail_fast=fail_fast, display=display, questions=questions)


def _jobs(given: str | None) -> int:
    from nbfab.fleet import JOBS

    if given is None:
        return JOBS
    if not (given.isascii() and given.isdigit() and 1 <= int(given[:9]) <= 500):
        raise UsageError(f"jobs must be a whole number from 1 to 500, not {given!r}")
    return int(given)


def _confirm() -> bool:
    from nbfab import asking

    try:
        return asking.yes("Go on?")
    except KeyboardInterrupt:
        print(file=sys.stderr)
        raise Exit("nothing was changed", code=130) from None
