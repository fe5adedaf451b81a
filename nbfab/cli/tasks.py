"""The tasks: one per step of the how-to, all of it at once, and what comes after; each for one host and for a fleet."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from invoke import Collection, Task

from nbfab.cli.call import Call
from nbfab.cli.options import CHOOSING, EVERYWHERE, RUNNING
from nbfab.cli.task import HostTask, declare
from nbfab.plan.certificate import OWN
from nbfab.plan.steps import STEPS
from nbfab.settings import OPTIONS

if TYPE_CHECKING:
    from nbfab.outcome import Outcome
    from nbfab.plan.step import Step
    from nbfab.run.job import Body, Job

# What the bodies call is imported by them: `--list` needs none of it.


def _on_hosts(body: "Body", name: str, about: str, *flags: str) -> HostTask:
    """The task that does `body` on this machine, or on the hosts that -H names."""

    def run(call: Call) -> None:
        from nbfab.cli.report import Report

        if "list" in call.flags and name == "open":
            from nbfab.cli.opened import show_list

            return show_list(call)
        with Report(call.task, call.json).errors():
            hosts = call.hosts
            if len(hosts) > 1:
                from nbfab.cli.several import check_several

                check_several(call)
        if len(hosts) > 1:
            from nbfab.cli.several import on_several

            on_several(call, body, hosts)
        else:
            from nbfab.cli.one import on_one

            on_one(call, body, hosts[0] if hosts else None)

    task: HostTask = declare(run, name, about, (*flags, *EVERYWHERE), HostTask)
    task.does, task.flags, task.preview = body, flags, None
    return task


def _on_fleet(task: HostTask) -> Task[Any]:
    """The task that does on every host of an inventory what `task` does on one."""

    def run(call: Call) -> None:
        from nbfab.cli.fleet import follow_fleet, on_fleet

        if "follow" in call.flags:
            return follow_fleet(call)
        on_fleet(call, task.does, task.preview)

    own = tuple(flag for flag in task.flags if flag not in ("foreground", "background", *RUNNING))
    about = (task.__doc__ or "").strip()
    made: Task[Any] = declare(
        run,
        task.name,
        f"On every host: {about[:1].lower()}{about[1:]}",
        (*CHOOSING, *RUNNING, *own, *EVERYWHERE),
    )
    return made


def _task(*flags: str) -> "Callable[[Body], HostTask]":
    """A decorator that makes a task, with those flags of its own, of its body."""
    return lambda body: _on_hosts(body, body.__name__, body.__doc__ or "", *flags)


def _of_step(step: "Step") -> HostTask:
    """The task that does one step."""

    def body(job: "Job") -> "Outcome":
        if "list" in job.flags:
            from nbfab.run.environments import environments

            return environments(job)
        from nbfab.run.converge import converge

        return converge(job, (step,))

    return _on_hosts(body, step.name, step.help, *step.flags)


@_task("password_stdin", "handout", "passphrase_file", "restart", "reset", "exact", *OWN, "foreground")
def serve(job: "Job") -> "Outcome":
    """Start the notebook server in tmux, after doing the steps that are missing."""
    from nbfab.run import foreground
    from nbfab.run.converge import converge

    return foreground.serve(job) if foreground.is_wanted(job) else converge(job)


@_task("password_stdin", "handout", "passphrase_file", "restart", "reset", "exact", *OWN, "days_left")
def setup(job: "Job") -> "Outcome":
    """Do the whole how-to, all steps in order; what is right already stays as it is."""
    from nbfab.run import foreground
    from nbfab.run.converge import converge

    return foreground.serve(job) if foreground.falls_back(job) else converge(job)


@_task("password_stdin", "reset", "exact", *OWN, "check", "days_left")
def plan(job: "Job") -> "Outcome":
    """Show what setup would change and why; change nothing."""
    from nbfab.run import foreground
    from nbfab.run.converge import preview

    return preview(foreground.if_without_tmux(job) if foreground.falls_back(job) else job)


@_task("plan", "rollback", "exact", "restart")
def update(job: "Job") -> "Outcome":
    """Bring the packages of the notebooks up to date, beside those that they have; live kernels keep theirs."""
    from nbfab.run.update import update

    return update(job)


@_task("days_left", "all")
def status(job: "Job") -> "Outcome":
    """Show whether the server runs, its URL, live kernels, and the host's GPUs; exit status 1 if it does not run."""
    from nbfab.run.status import status

    return status(job)


@_task("lines", "follow", "previous")
def logs(job: "Job") -> "Outcome":
    """Show the server's own log: its last lines, and with --follow what is added, until Control-C."""
    from nbfab.run.logs import logs

    return logs(job)


@_task("interrupt", "shutdown", "force")
def kernels(job: "Job") -> "Outcome":
    """List live kernels and terminals, with memory and CPU; interrupt or shut down one. Looking is no activity."""
    from nbfab.run.kernels import kernels

    return kernels(job)


@_task("bundle", "bundle_names")
def doctor(job: "Job") -> "Outcome":
    """Look for what is wrong, layer by layer, with a fix for each; change nothing. Exit status 1 if something is."""
    from nbfab.run.doctor import doctor

    return doctor(job)


@_task("new", "password_stdin", "handout", "passphrase_file", "new_key", "now", "restart")
def rotate(job: "Job") -> "Outcome":
    """Replace the secrets: a new password ends every login, and no kernel; an authority's certificate is made anew."""
    from nbfab.run.rotate import rotate

    return rotate(job)


@_task("force")
def stop(job: "Job") -> "Outcome":
    """Shut the server down; live kernels are ended only with --force, or if you say yes."""
    from nbfab.run.stop import stop

    return stop(job)


@_task()
def start(job: "Job") -> "Outcome":
    """Start the server as it was last set up, and change nothing else."""
    from nbfab.run.start import start

    return start(job)


@_task("force")
def restart(job: "Job") -> "Outcome":
    """Stop the server and start it as it was last set up; live kernels are ended only with --force, or on a yes."""
    from nbfab.run.start import restart

    return restart(job)


@_task(
    *("password_stdin", "yes", "no_browser", "login", "no_login", "host_names", "direct", "editor"),
    *("background", "list"),
)
def open(job: "Job") -> "Outcome":  # noqa: A001
    """Open the notebooks in the browser, over a connection that comes back by itself; starts what does not run."""
    from nbfab.run.open import open_

    return open_(job)


@_task("control")
def attach(job: "Job") -> "Outcome":
    """Show the server's tmux session in this terminal, read-only; Control-B, then D, leaves it."""
    from nbfab.run.attach import attach

    return attach(job)


@_task("yes", "force", "linger_off")
def remove(job: "Job") -> "Outcome":
    """Show everything that nbfab has put on the host, ask, and remove it; notebooks stay. Live kernels take --force."""
    from nbfab.run.remove import remove

    return remove(job)


def _preview_of_remove(job: "Job") -> "Outcome":
    from nbfab.run.remove import preview

    return preview(job)


def _preview_of_update(job: "Job") -> "Outcome":
    from nbfab.run.update import preview

    return preview(job)


def _preview_of_rotate(job: "Job") -> "Outcome":
    from nbfab.run.rotate import preview

    return preview(job)


# What a fleet is shown before it is asked.
setup.preview, remove.preview, rotate.preview = plan.does, _preview_of_remove, _preview_of_rotate
update.preview = _preview_of_update


def _page(call: Call) -> None:
    from nbfab.cli.fleet import page_of_fleet

    page_of_fleet(call, status.does)


TASKS = (
    *(_of_step(step) for step in STEPS if step.alone),
    serve,
    setup,
    plan,
    update,
    status,
    logs,
    kernels,
    doctor,
    start,
    open,
    rotate,
    stop,
    restart,
    attach,
    remove,
)
_HELP = "Write a page of all hosts for people: links, states, fingerprints, commands to copy."
page: Task[Any] = declare(_page, "page", _HELP, (*CHOOSING, "output", *EVERYWHERE))


def _handout(call: Call) -> None:
    from nbfab.cli.slips import slips_of_fleet

    slips_of_fleet(call)


_HELP = "Write slips to print, one per host, from the handout: URL, password, fingerprint, QR code; contacts no host."
handout: Task[Any] = declare(_handout, "handout", _HELP, (*CHOOSING, "handout", "output", *EVERYWHERE))


def _open_fleet(call: Call) -> None:
    from nbfab.cli.fleet_open import open_fleet

    open_fleet(call)


_HELP = "Open the notebooks of all hosts whose server runs: a page here lists the hosts, and logs you in to each."
open_many: Task[Any] = declare(_open_fleet, "open", _HELP, (*CHOOSING, "no_browser", "host_names", *EVERYWHERE))
_EACH = (_on_fleet(task) for task in TASKS if task.name not in ("open", "attach"))
fleet = Collection("fleet", *_EACH, open_many, page, handout)


def _close(call: Call) -> None:
    from nbfab.cli.opened import close

    close(call)


_HELP = "Close what `open` holds open here, also in the background; the server goes on, and no host is contacted."
_PROFILE = tuple(option for option in OPTIONS if option.key == "profile")
close: Task[Any] = declare(_close, "close", _HELP, EVERYWHERE, options=_PROFILE)


def _ca(call: Call) -> None:
    from nbfab.cli.ca import ca

    ca(call)


_HELP = "Show your certificate authorities, or make one, for the hosts of the inventory; contacts no host."
ca: Task[Any] = declare(
    _ca, "ca", _HELP, ("new", "allow", "inventory", "passphrase", "passphrase_file", "json"), options=()
)


def _list(call: Call) -> None:
    from nbfab.cli.listing import listing

    listing(call)


_HELP = "List my servers, as this machine remembers them: hosts, profiles, ports; with --check, which of them run."
listing: Task[Any] = declare(_list, "list", _HELP, ("check", "forget", "jobs", *EVERYWHERE), options=())


def _init(call: Call) -> None:
    from nbfab.cli.init import init

    init(call)


_HELP = "Write a commented hosts.yaml into this folder, to be filled in for the tasks of a fleet."
init: Task[Any] = declare(_init, "init", _HELP, ("inventory", "json"), options=())


def _trust(call: Call) -> None:
    from nbfab.cli.trust import trust

    trust(call)


_HELP = (
    "Have this machine's browsers and tools trust the authorities that `ca` made; shows what it will touch, and asks."
)
trust: Task[Any] = declare(
    _trust, "trust", _HELP, ("remove", "export", "yes", "passphrase_file", "json", "quiet"), options=()
)


def _of_clients(name: str, about: str, *flags: str) -> "tuple[Task[Any], Task[Any]]":
    """A task on the clients of one host, and that on those of a fleet; `cli/clients.py` does it."""

    def on_hosts(call: Call) -> None:
        _does(call, name, _on_typed, many=len(call.hosts) > 1)

    def on_fleet(call: Call) -> None:
        _does(call, name, _on_listed, many=True)

    whole = f"client.{name}"
    every = f"On every host: {about[:1].lower()}{about[1:]}"
    shared = (*CHOOSING, "failed", "fail_fast")
    return declare(on_hosts, whole, about, (*flags, *EVERYWHERE)), declare(
        on_fleet, whole, every, (*flags, *shared, *EVERYWHERE)
    )


def _does(call: Call, name: str, runs: "Callable[[Call, Body], None]", *, many: bool) -> None:
    from nbfab.cli import clients

    {"add": clients.add, "remove": clients.remove, "list": clients.listing}[name](call, runs, many=many)


def _on_typed(call: Call, body: "Body") -> None:
    hosts = call.hosts
    if len(hosts) > 1:
        from nbfab.cli.several import on_several

        return on_several(call, body, hosts)
    from nbfab.cli.one import on_one

    return on_one(call, body, hosts[0] if hosts else None)


def _on_listed(call: Call, body: "Body") -> None:
    from nbfab.cli.fleet import on_fleet

    on_fleet(call, body, None)


def _of_cluster(name: str, about: str, *flags: str) -> "Task[Any]":
    """A task on the cluster that the hosts of an inventory are; `cli/cluster.py` does it."""

    def run(call: Call) -> None:
        from nbfab.cli import cluster

        {"up": cluster.up, "status": cluster.status, "stop": cluster.stop, "logs": cluster.logs}[name](call)

    # All hosts of `up` are at work at the same time.
    chooses = tuple(flag for flag in CHOOSING if not (flag == "jobs" and name == "up"))
    made: Task[Any] = declare(run, f"cluster.{name}", about, (*chooses, *flags, *EVERYWHERE))
    return made


CLUSTER = (
    _of_cluster(
        "up",
        "Make the hosts of the inventory one Dask cluster, to which Client() in their notebooks connects.",
        *("scheduler", "workers", "threads", "memory", "plan", "restart", "yes"),
    ),
    _of_cluster("status", "Show which members of the cluster run; exit status 1 if one does not."),
    _of_cluster("stop", "End the scheduler and all workers, with what they compute; they stay down."),
    _of_cluster("logs", "Show the last lines of the logs of the scheduler and the workers.", "lines"),
)


def _cluster() -> Collection:
    group = Collection("cluster")
    for each in CLUSTER:
        group.add_task(each, default=each.name == "up")
    return group


CLIENTS = (
    _of_clients(
        "add",
        "Admit one more client: makes a certificate for a browser, as a .p12, and shows its password once.",
        *("client", "replace", "legacy", "output"),
    ),
    _of_clients("remove", "Remove a client; its open connections end, and no kernel does.", "client"),
    _of_clients("list", "List the clients that a server admits: names, fingerprints, days left."),
)
clients = Collection("client", *(one for one, _ in CLIENTS))
fleet.add_collection(Collection("client", *(every for _, every in CLIENTS)))
fleet.add_collection(_cluster())
ns = Collection(*TASKS, ca, close, init, listing, trust, fleet, clients, _cluster())
ns.add_task(fleet["setup"], name="provision")
