"""Makes an Invoke task of what is done on one host: its options, where it runs, what it prints, how it exits."""

import inspect
import os
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invoke import Context, Exit, Task

from nbfab.errors import NbfabError, UsageError
from nbfab.settings import OPTIONS, Settings

if TYPE_CHECKING:
    from nbfab.converge import Job
    from nbfab.host import Host
    from nbfab.inventory import InventoryHost
    from nbfab.outcome import Outcome
    from nbfab.passwords import Password

INVENTORY = Path("hosts.yaml")  # where the command is run
FLAGS = {
    "json": "Print one JSON document on standard output, and nothing else there.",
    "accept_new_host_key": "Record the key of a host that is not known yet, and go on.",
    "password_stdin": "Read the password from standard input, a line.",
    "restart": "Restart a running server where that is needed, although its kernels end.",
    "foreground": "On this machine: run without tmux, until Control-C.",
    "force": "End the server although its kernels end with it.",
    "inventory": "The file that lists the hosts (hosts.yaml).",
    "limit": "Only these: names, groups, globs, between commas; !NAME takes away.",
    "jobs": "Hosts at work at the same time (64).",
    "failed": "Only those that failed or were not reached the last time.",
    "fail_fast": "Begin with no further host once one has failed.",
    "yes": "Do not ask before anything is changed.",
    "output": "The file to write (fleet.html).",
}
EVERYWHERE = ("json", "accept_new_host_key")

# What a task does with a job: `flags` are those of its own, by name.
Body = Callable[["Job", Mapping[str, bool]], "Outcome"]


@dataclass
class Group:
    """The hosts that one `-H` names: a failure on one does not keep the others from their turn."""

    size: int = 1
    outcomes: list["Outcome"] = field(default_factory=list)
    typed: list["Password | None"] = field(default_factory=list)

    def password(self, from_stdin: bool) -> "Password | None":
        """The password that was given for all of them: standard input is read once."""
        from nbfab import asking

        if not self.typed:
            self.typed.append(asking.given_password(from_stdin))
        return self.typed[0]


class HostTask(Task[Any]):
    """A task on one host; `does` is what it does with a job, `own` the flags of its own."""

    does: Body
    own: tuple[str, ...]


def declare(
    run: Callable[..., None], name: str, doc: str | None, more: Mapping[str, Any], kind: type[Task[Any]] = Task
) -> Any:
    """A task `run` with every option of `settings.OPTIONS`, and `more` options with their defaults."""
    defaults = {o.flag: [] if o.repeatable else None for o in OPTIONS} | dict(more)

    def task(c: Context, **given: Any) -> None:
        # Invoke leaves no compiled files beside a tasks.py (its --write-pyc), and so none of anything that is imported
        # from here on: where the installer did not compile them, as uv does not, that is a third of each run's time.
        sys.dont_write_bytecode = bool(sys.flags.dont_write_bytecode)
        with _reader_may_leave():
            run(c, given)

    parameters = [inspect.Parameter("c", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
    parameters += [
        inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=value) for key, value in defaults.items()
    ]
    task.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    task.__doc__ = doc
    text = {option.flag: option.help for option in OPTIONS} | {flag: FLAGS[flag] for flag in more}
    lists = [option.flag for option in OPTIONS if option.repeatable]
    return kind(task, name=name, help=text, iterable=lists, auto_shortflags=False)


def on_host(*flags: str) -> Callable[[Body], HostTask]:
    """A decorator that makes a task, with those flags of its own, of a body."""

    def decorate(body: Body) -> HostTask:
        def run(c: Context, given: Mapping[str, Any]) -> None:
            _task(c, body, given)

        task: HostTask = declare(
            run, body.__name__, body.__doc__, dict.fromkeys((*flags, *EVERYWHERE), False), HostTask
        )
        task.does, task.own = body, flags
        return task

    return decorate


def _task(c: Context, body: Body, given: Mapping[str, Any]) -> None:
    """One call of a task: for this machine, or for the host that the context names."""
    from nbfab import asking
    from nbfab.outcome import failure
    from nbfab.report import Progress, document, text

    group: Group = getattr(c, "nbfab_group", None) or Group()
    progress = Progress()
    task = body.__name__
    label = getattr(c, "nbfab_host", "") or getattr(c, "original_host", "") or "this machine"
    documents: list[str] = []

    def tell(outcome: "Outcome") -> None:
        progress.end()
        if not given["json"]:
            print(
                text(outcome, show_diffs=task == "plan"), file=sys.stderr if outcome.error else sys.stdout, flush=True
            )
        elif not documents:  # there is one on standard output, whatever comes after
            documents.append(document(task, [*group.outcomes, outcome]))
            print(documents[0], flush=True)

    asked = Asked(
        ask=progress.aside(asking.ask_password),
        ask_new=progress.aside(asking.ask_new_password),
        confirm=progress.aside(asking.confirm),
        tell=tell,
        heard=lambda line: progress(label, line) if line else progress.end(),
        again=again(c, given, () if label == "this machine" else ("-H", label)),
    )
    try:
        host, settings, password = _prepared(c, task, given, group)
    except NbfabError as error:
        if isinstance(error, UsageError) and group.size == 1:
            with exits():
                raise
        outcome = failure(task, label, error)
    else:
        outcome = attempt(body, host, settings, password, given, asked)
    progress.end()
    interrupted = outcome.verdict == "interrupted"
    last = interrupted or len(group.outcomes) == group.size - 1
    if last or not given["json"]:
        tell(outcome)
    group.outcomes.append(outcome)
    worst = max(outcome.status for outcome in group.outcomes)
    if worst and last:
        raise Exit(code=outcome.status if interrupted else worst)


def refuse_dry_run(c: Context, task: str) -> None:
    """Raises UsageError for Invoke's --dry, which keeps a task of ours from nothing."""
    if c.config.run.dry and task not in ("plan", "status"):
        raise UsageError("a dry run is a task of its own", "plan")


def _prepared(
    c: Context, task: str, given: Mapping[str, Any], group: Group
) -> "tuple[Host, Settings, Password | None]":
    """The host, what is wanted there, and a password that was given for it. Raises NbfabError."""
    from nbfab import asking

    refuse_dry_run(c, task)
    host, entry = _host(c, given["accept_new_host_key"])
    settings = Settings.gather({o.key: given[o.flag] for o in OPTIONS}, section(c), entry.options if entry else None)
    password = None
    if "password_stdin" in given:
        password = group.password(given["password_stdin"])
        if entry and password is None:
            password = asking.password_of(entry)
    return host, settings.from_here() if host.local else settings, password


@dataclass(frozen=True)
class Asked:
    """Whom a job tells and asks, as in `Job`; where nobody answers, nothing is asked."""

    heard: Callable[[str], None]
    ask: Callable[[], "Password"]
    ask_new: Callable[[], "Password | None"]
    again: Callable[[str], str]
    confirm: Callable[[str], bool] = lambda question: False
    tell: Callable[["Outcome"], None] = lambda outcome: None


def again(
    c: Context, given: Mapping[str, Any], before: Sequence[str] = (), after: Sequence[str] = (), prefix: str = ""
) -> Callable[[str], str]:
    """Makes command lines for a person to type: a task, by the program that runs now, with the options given to it.

    `before` stands before the task, whose name gets the `prefix`, and `after` behind it.
    """
    program = Path(sys.argv[0]).name
    words = [program if program in ("inv", "invoke", "fab") else "nbfab"]
    ssh_config = getattr(c.config, "_runtime_ssh_path", None)
    if ssh_config:
        words += ["-S", str(ssh_config)]
    options = [
        f"--{option.flag}={value}"
        for option in OPTIONS
        if given[option.flag]
        for value in (given[option.flag] if option.repeatable else [given[option.flag]])
    ]
    return lambda task: shlex.join([*words, *before, prefix + task, *after, *options])


def attempt(
    body: Body,
    host: "Host",
    settings: Settings,
    password: "Password | None",
    given: Mapping[str, Any],
    asked: Asked,
) -> "Outcome":
    """What `body` does on `host`; a failure becomes an outcome too, and the connection is closed."""
    from nbfab.converge import Job
    from nbfab.outcome import failure
    from nbfab.wanted import Wanted

    task = body.__name__
    try:
        wanted = Wanted(settings, host.names, time.time(), password, bool(given.get("restart")))
        return body(Job(task, host, wanted, **vars(asked)), given)
    except (NbfabError, KeyboardInterrupt) as error:
        return failure(task, host.label, error)
    finally:
        host.close()


@contextmanager
def _reader_may_leave() -> Iterator[None]:
    """Whoever reads what is printed, such as head(1), may have seen enough: that ends the program, without a word."""
    try:
        try:
            yield
        finally:
            if sys.stdout:
                sys.stdout.flush()
    except BrokenPipeError:
        # Or the interpreter would try once more at its exit (Python's documentation of signal, "Note on SIGPIPE").
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise Exit(code=128 + signal.SIGPIPE) from None


@contextmanager
def exits() -> Iterator[None]:
    """An NbfabError inside ends the program: its message and its hint on standard error, its exit status."""
    try:
        yield
    except NbfabError as error:
        from nbfab.report import clean

        hint = f"\n  mend         {error.hint}" if error.hint else ""
        raise Exit(clean(f"nbfab: {error}{hint}"), code=error.status) from None


def section(c: Context) -> Mapping[str, Any]:
    """The `nbfab:` part of the configuration, as plain data."""
    section = c.config.get("nbfab") or {}
    return {key: section[key] for key in section} if hasattr(section, "keys") else section


def _host(c: Context, accept_new: bool) -> "tuple[Host, InventoryHost | None]":
    """Where the task runs, and its entry if it is a name in the inventory that lies here.

    Raises UsageError under `fab` without a host: never on this machine by accident.
    """
    from nbfab.host import Here, There

    name = getattr(c, "nbfab_host", "") or getattr(c, "original_host", "")
    if name:
        from nbfab.ssh import Connection

        entry = _entry(name)
        typed, way = (entry.typed, entry.way) if entry else (name, {})
        # Made at once: what ssh_config says of the name is checked before anything else is done.
        connection = Connection(typed, c.config, accept_new=accept_new, **way)
        return There(name, lambda: connection), entry
    # Fabric's own configuration tells its programs from Invoke's; nbfab without -H is this machine.
    if type(c.config).__module__.startswith("fabric."):
        raise UsageError("fab runs on hosts: name one", "fab -H HOST ...; on this machine: inv ...")
    return Here(), None


def _entry(name: str) -> "InventoryHost | None":
    if not INVENTORY.exists():
        return None
    from nbfab.inventory import load

    return load(INVENTORY).find(name)
