"""Apply: carries out a plan, with one program that ends by looking again."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from nbfab.changed import Kind
from nbfab.errors import ConnectError, HostError, NbfabError
from nbfab.fix import Command, Fix, Task, there
from nbfab.host import Host, run
from nbfab.lend.loan import NONE, Loan
from nbfab.look import look
from nbfab.look.fact import LINE
from nbfab.look.facts import Facts, parse
from nbfab.look.files import GENERATION
from nbfab.look.request import Request
from nbfab.plan.change import Change
from nbfab.plan.left import RECORDED
from nbfab.program import Record, call, render, source

FILES = (*look.FILES, "apply/write", "apply/install", "apply/session", "apply/serve")
REMOVING: tuple[Kind, ...] = ("remove", "end session", "end process", "turn lingering off")
FUNCTIONS: Mapping[Kind, str] = {
    "write": "write_file",
    "write module": "write_files",
    "write kernel": "write_files",
    "drop kernel": "drop_kernel",
    "make private": "make_private",
    "change clients": "change_clients",
    "make environment": "install_environment",
    "use environment": "remember_environment",
    "build environment": "build_env",
    "remove environment": "remove_env",
    "start server": "start_server",
    "stop server": "stop_server",
    "end other server": "end_other_server",
    "end sessions": "end_sessions",
    "interrupt kernel": "do_with_kernel",
    "shut down kernel": "do_with_kernel",
    "remove": "remove_paths",
    "end session": "end_session",
    "end process": "end_process",
    "turn lingering off": "turn_lingering_off",
    "turn at-boot on": "start_at_boot",
    "turn at-boot off": "stay_down_at_boot",
    "start relay": "start_relay",
    "end relay": "end_relays",
    "start member": "start_member",
    "end member": "end_member",
}
_PROBES: Mapping[Kind, tuple[str, ...]] = {  # the programs that a function runs on the host
    "make environment": ("look/environment_probe",),
    "use environment": ("look/environment_probe",),
    "build environment": ("apply/kernel_probe",),
    "start server": ("look/server_probe", "apply/login_probe"),
    "end sessions": ("look/server_probe",),
    "interrupt kernel": ("look/server_probe",),
    "shut down kernel": ("look/server_probe",),
}
INSTALLS: frozenset[Kind] = frozenset({"make environment", "build environment"})  # they get packages from an index
BUILDING: tuple[Kind, ...] = ("build environment", "remove environment")
INSTALL = 900  # seconds without output; an installation is silent while it fetches a large package


class Declined(HostError):
    """The host has ended the run at a change, in its own `words`: that one and those after it are not made.

    `tool` is what reached no index of packages, pip or uv, if that is why.
    """

    def __init__(self, message: str, *fix: str | Command | Task, words: str, tool: str = "") -> None:
        super().__init__(message, *fix)
        self.words, self.tool = words, tool

    def because(self, error: NbfabError) -> "Declined":
        """This, with why the host could not be helped."""
        fix = (*error.fix, *self.fix)
        return Declined(f"{self}; {error}", *fix, words=f"{self.words}; {error}", tool=self.tool)


class Watcher(Protocol):
    """Follows the changes as they are made."""

    def begins(self, change: Change) -> None:
        """A change begins."""

    def says(self, line: str) -> None:
        """A change has something to say before it ends."""

    def prints(self, line: str) -> None:
        """A program that takes long prints a line: a sign of life."""

    def ends(self, change: Change, words: str) -> None:
        """A change is made; `words` is what it printed, if anything."""


def apply(
    host: Host,
    request: Request,
    changes: Sequence[Change],
    seen: Facts,
    watcher: Watcher,
    seconds: int,
    loan: Loan = NONE,
    *,
    looks: bool = True,
) -> Facts:
    """Makes the changes, and returns the facts afterwards, or those that were `seen` if it `looks` later. `seconds` is
    how long a server may take to become ready; what is installed comes through the `loan`, if there is one.

    Raises Declined with the host's own words at the first change that fails; those before it stay. Raises HostError.
    """
    installs = any(change.kind in INSTALLS for change in changes)
    calls = [
        _enter(request, changes, seen),
        *_calls(changes, loan),
        call("conclude"),
        "cd /\n",
        *(look.look_calls(host, request) if looks else ()),
        call("release"),
    ]
    begun: list[Change] = []
    done: list[Change] = []
    hints: list[str] = []

    def bare(value: Any) -> str:
        return loan.without_secret(_text(value))

    def receive(record: Record) -> None:
        if "doing" in record:
            begun.append(_next(changes, begun, record["doing"], ready=len(begun) == len(done)))
            watcher.begins(begun[-1])
        elif "says" in record:
            watcher.says(bare(record["says"]))
        elif "prints" in record:
            watcher.prints(bare(record["prints"]))
        elif "hint" in record:
            hints.append(_text(record["hint"]))
        elif "done" in record:
            done.append(_next(changes, done, record["done"], ready=len(begun) > len(done)))
            watcher.ends(done[-1], bare(record.get("text")))
        elif "failed" in record:
            words = bare(record.get("text")) or "the host gives no reason"
            what = f"{begun[-1].summary} failed: {words}" if begun else words
            tool = next((tool for tool in ("pip", "uv") if tool in hints), "")
            raise Declined(what, *_fix(hints, seen, begun[-1] if begun else None), words=words, tool=tool)

    silence = INSTALL if installs else look.SILENCE + seconds  # a server that is started twice says so in between
    try:
        leaves = any(change.kind in REMOVING or change.kind == "turn at-boot off" for change in changes)
        removes = ("apply/remove",) if leaves else ()
        clients = ("apply/clients",) if any(change.kind == "change clients" for change in changes) else ()
        relays = ("look/relay", "apply/relay") if any("relay" in change.kind for change in changes) else ()
        members = ("look/cluster", "apply/cluster") if any("member" in change.kind for change in changes) else ()
        boots = ("apply/at_boot",) if any("at-boot" in change.kind for change in changes) else ()
        others = ("apply/others",) if any(change.kind == "end other server" for change in changes) else ()
        builds = ("apply/build",) if any(change.kind in BUILDING for change in changes) else ()
        kernels = ("apply/kernels",) if any(change.kind == "drop kernel" for change in changes) else ()
        more = (*removes, *builds, *kernels, *clients, *relays, *members, *boots, *others)
        files = dict.fromkeys((*FILES, *look.more_files(request), *more))
        program = render(files, calls)
        records = run(host, program, receive, silence, "making changes")
        if len(done) < len(changes):
            raise _nonsense()
        return parse(records) if looks else seen
    except ConnectError as error:
        at = begun[-1].summary if begun else "the beginning"
        raise ConnectError(f"{error}, at: {at}", *error.fix, jump=error.jump) from None


def _enter(request: Request, changes: Sequence[Change], seen: Facts) -> str:
    profile = request.settings.profile
    if changes and all(change.kind == "end other server" for change in changes):
        return call("pass_by", profile=profile)
    if changes and all(change.kind in ("stop server", "end relay", "end member") for change in changes):
        return call("enter", profile=profile)
    generation = seen.files.text(GENERATION).strip()
    gone = seen.files.state == "absent" and all(change.kind == "turn at-boot off" for change in changes)
    if gone or any(change.kind in REMOVING for change in changes):
        return call("take_leave", profile=profile, generation=generation)
    return call("prepare", profile=profile, generation=generation, recorded=" ".join(RECORDED))


def _fix(hints: Sequence[str], seen: Facts, change: Change | None = None) -> Fix:
    """What to do about a change that failed; `hints` are the host's words on why."""
    index, own = "name an index that it reaches in the place of URL", f"{seen.files.base}/.venv/bin/python"
    if change and change.kind == "build environment":
        base = change.args["base_python"]
        with_pip = {own, *(of.python for of in seen.environments.found if of.pip)}
        python = base if base in with_pip else seen.environments.python3 or "python3"
    else:
        python = own
        index += ", or with --python an environment that has the notebook"
    if "pip" in hints:
        pip = f"{shlex.quote(python)} -m pip config set"
        return index, there(f"{pip} global.index-url URL"), "or a proxy", there(f"{pip} global.proxy URL")
    if "uv" in hints:
        uv = """mkdir -p ~/.config/uv && echo 'index-url = "URL"' >>~/.config/uv/uv.toml"""
        return index, there(uv)
    return ("fix that, then run it again",)


def _calls(changes: Sequence[Change], loan: Loan) -> Iterator[str]:
    """A call for each change. Those that install have the host's installations to themselves."""
    last = max((number for number, change in enumerate(changes) if change.kind in INSTALLS), default=None)
    if last is not None:
        yield call(":", lent=loan.proxy, lent_index=loan.index, lent_more=" ".join(loan.more))
        yield call("begin_installing")
    for number, change in enumerate(changes):
        yield _call(number, change)
        if number == last:
            yield call("end_installing")


def _call(number: int, change: Change) -> str:
    code = {probe.rpartition("/")[2]: source(f"{probe}.py") for probe in _PROBES.get(change.kind, ())}
    return call("change", str(number), FUNCTIONS[change.kind], *change.words, **change.args, **code)


def _next(changes: Sequence[Change], before: Sequence[Change], number: Any, *, ready: bool) -> Change:
    """The change of that number, which comes after those `before` it: each is reported once, in its turn."""
    if type(number) is not int or number != len(before) or number >= len(changes) or not ready:
        raise _nonsense()
    return changes[number]


def _nonsense() -> HostError:
    return HostError("what the host reports on its changes makes no sense", "run it again")


def _text(value: Any) -> str:
    return value.strip()[-LINE:] if isinstance(value, str) else ""
