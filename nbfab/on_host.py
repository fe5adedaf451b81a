"""Makes an Invoke task of what is done on one host: its options, where it runs, what it prints, how it exits."""

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from invoke import Context, Exit, Task

from nbfab.errors import Interrupted, NbfabError, UsageError
from nbfab.settings import OPTIONS, Settings

if TYPE_CHECKING:
    from nbfab.converge import Job
    from nbfab.host import Host
    from nbfab.outcome import Outcome
    from nbfab.report import Progress

FLAGS = {
    "json": "Print one JSON document on standard output, and nothing else there.",
    "accept_new_host_key": "Record the key of a host that is not known yet, and go on.",
    "password_stdin": "Read the password from standard input, a line.",
    "restart": "Restart a running server where that is needed, although its kernels end.",
    "foreground": "On this machine: run without tmux, until Control-C.",
    "force": "End the server although its kernels end with it.",
}
EVERYWHERE = ("json", "accept_new_host_key")

# What a task does with a job: `flags` are those of its own, by name.
Body = Callable[["Job", Mapping[str, bool]], "Outcome"]


@dataclass
class Group:
    """The hosts that one `-H` names: a failure on one does not keep the others from their turn."""

    size: int = 1
    outcomes: list["Outcome"] = field(default_factory=list)


def on_host(*flags: str) -> Callable[[Body], Task[Any]]:
    """A decorator that makes a task, with every option of `settings.OPTIONS` and those flags, of a body."""

    def decorate(body: Body) -> Task[Any]:
        own = (*flags, *EVERYWHERE)

        def task(c: Context, **given: Any) -> None:
            _task(c, body, given)

        parameters = [inspect.Parameter("c", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
        for name, default in [(o.flag, [] if o.repeatable else None) for o in OPTIONS] + [
            (flag, False) for flag in own
        ]:
            parameters.append(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default))
        task.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        task.__doc__, task.__name__ = body.__doc__, body.__name__
        text = {option.flag: option.help for option in OPTIONS} | {flag: FLAGS[flag] for flag in own}
        lists = [option.flag for option in OPTIONS if option.repeatable]
        return Task(task, name=body.__name__, help=text, iterable=lists, auto_shortflags=False)

    return decorate


def _task(c: Context, body: Body, given: Mapping[str, Any]) -> None:
    """One call of a task: for this machine, or for the host that the context names."""
    from nbfab.report import Progress, document, text

    with exits():
        settings = Settings.gather({o.key: given[o.flag] for o in OPTIONS}, _section(c))
        group: Group = getattr(c, "nbfab_group", None) or Group()
        progress = Progress()
        task = body.__name__
        if c.config.run.dry and task not in ("plan", "status"):
            raise UsageError("a dry run is a task of its own", "plan")
        host = _host(c, given["accept_new_host_key"])

    def tell(outcome: "Outcome") -> None:
        progress.end()
        if given["json"]:
            print(document(task, [*group.outcomes, outcome]), flush=True)
        else:
            print(
                text(outcome, show_diffs=task == "plan"), file=sys.stderr if outcome.error else sys.stdout, flush=True
            )

    outcome = attempt(body, task, host, settings, given, progress, tell)
    if not given["json"] or len(group.outcomes) == group.size - 1:
        tell(outcome)
    group.outcomes.append(outcome)
    worst = max(outcome.status for outcome in group.outcomes)
    if worst and len(group.outcomes) == group.size:
        raise Exit(code=worst)


def attempt(
    body: Body,
    task: str,
    host: "Host",
    settings: Settings,
    given: Mapping[str, Any],
    progress: "Progress",
    tell: Callable[["Outcome"], None],
) -> "Outcome":
    """What `body` does on `host`; a failure becomes an outcome too. Raises UsageError by way of `exits`."""
    import time

    from nbfab import asking
    from nbfab.converge import Job
    from nbfab.passwords import Password
    from nbfab.wanted import Wanted

    password: Password | None = None
    with exits():
        if "password_stdin" in given:
            password = asking.given_password(given["password_stdin"])
    try:
        wanted = Wanted(settings, host.names, time.time(), password, bool(given.get("restart")))

        def ask() -> Password:
            progress.end()
            return asking.ask_password()

        def confirm(question: str) -> bool:
            progress.end()
            return asking.confirm(question)

        job = Job(task, host, wanted, lambda line: progress(host.label, line), ask, confirm, tell)
        return body(job, given)
    except NbfabError as error:
        return failure(task, host.label, error)
    except KeyboardInterrupt:
        stopped = Interrupted("stopped by Control-C; what was done stays, whole", "run it again")
        return failure(task, host.label, stopped)
    finally:
        progress.end()
        host.close()


def failure(task: str, label: str, error: NbfabError) -> "Outcome":
    """The outcome that `error` makes."""
    from nbfab.outcome import Outcome, verdict

    return Outcome(label, task, verdict(error), error=str(error), hint=error.hint, status=error.status)


@contextmanager
def exits() -> Iterator[None]:
    """An NbfabError inside ends the program: its message and its hint on standard error, its exit status."""
    try:
        yield
    except NbfabError as error:
        from nbfab.report import clean

        hint = f"\n  mend         {error.hint}" if error.hint else ""
        raise Exit(clean(f"nbfab: {error}{hint}"), code=error.status) from None


def _section(c: Context) -> Mapping[str, Any]:
    """The `nbfab:` part of the configuration, as plain data."""
    section = c.config.get("nbfab") or {}
    return {key: section[key] for key in section} if hasattr(section, "keys") else section


def _host(c: Context, accept_new: bool) -> "Host":
    """Where the task runs. Raises UsageError under `fab` without a host: never on this machine by accident."""
    from nbfab.host import Here, There

    host = getattr(c, "nbfab_host", "") or getattr(c, "original_host", "")
    if host:
        from nbfab.ssh import connection

        return There(host, connection(host, c.config, accept_new=accept_new))
    # Fabric's own configuration tells its programs from Invoke's; nbfab without -H is this machine.
    if type(c.config).__module__.startswith("fabric."):
        raise UsageError("fab runs on hosts: name one", "fab -H HOST ...; on this machine: inv ...")
    return Here()
