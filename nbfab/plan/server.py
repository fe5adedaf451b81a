"""The step `server`: the server in tmux, detached, answering."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from nbfab.errors import HostError
from nbfab.fix import Fix, Note, Task, again, task, there
from nbfab.plan import certificate, clients, config, module, password, takes
from nbfab.plan.change import Change
from nbfab.plan.files import PRIVATE, Managed, write
from nbfab.plan.install import choose, how_to_install
from nbfab.plan.step import Step

if TYPE_CHECKING:
    from nbfab.look.facts import Facts
    from nbfab.wanted import Wanted

NEEDED = (config.FILE, password.FILE, certificate.FILE, module.FILE)  # files without which the server must not start


def launcher(wanted: Wanted, facts: Facts) -> tuple[str, str]:
    """The program that tmux runs, and the digest of everything that the server reads when it starts."""
    from nbfab.program import call, functions, source

    chosen = choose(wanted, facts)
    arguments = ("-m", chosen.module, *config.guards(wanted, facts))
    script = functions("look/process", "plan/run") + call(":", log_reader=source("plan/log_reader.py"))
    digest = takes.digest(script, chosen.python, arguments, config.text(wanted, facts), password.text(wanted, facts))
    needed = " ".join((*NEEDED, *((clients.FILE,) if wanted.settings.client_certificates else ())))
    return script + call("run_server", *arguments, digest=digest, python=chosen.python, needed=needed), digest


def plan(wanted: Wanted, facts: Facts) -> Iterator[Change]:
    """The server is started, or restarted if it was started with anything other than what is wanted.

    For a server in the foreground, nothing is started here. Raises HostError if it cannot be started: there is no tmux,
    the port is taken, something else is in its place.
    """
    script, digest = launcher(wanted, facts)
    why, port = _why_not(wanted, facts, digest), wanted.settings.port
    if facts.files.text(takes.RUN) != script or facts.files.mode(takes.RUN) != PRIVATE:
        yield write("server", "write the program that tmux runs", takes.RUN, script, needs_restart=True)
    if not why or wanted.foreground:
        return
    _check(wanted, facts)
    verb = "start the server"
    started = facts.server.started
    if (facts.server.alive or facts.server.between) and started:
        stop = stop_server(started.pid, started.start)
        yield Change(
            step="server", kind="stop server", what="stop the server", reason=why, args=stop, needs_restart=True
        )
        verb = "start it again"
    yield _start(verb, wanted, choose(wanted, facts).python, str(port))


def _start(verb: str, wanted: Wanted, python: str, port: str) -> Change:
    return Change(
        step="server",
        kind="start server",
        what=f"{verb} in tmux",
        detail=f"on port {port}",
        args={
            "profile": wanted.settings.profile,
            "python": python,
            "seconds": str(wanted.seconds),
            "port": port,
            "certificate": certificate.FILE,
        },
        needs_restart=True,
    )


def why_not_set_up(facts: Facts) -> str:
    """Why the server cannot be started from the files as they are; empty if it can."""
    missing = [
        name for name in (takes.RUN, config.FILE, password.FILE, certificate.FILE) if not facts.files.entry(name)
    ]
    if takes.RUN in missing:
        return "it has not been set up"
    if missing:
        return f"it is not set up any more: {missing[0]} is missing"
    have = takes.set_up(facts)
    return "" if have and takes.port(have) else "its files have changed since it was last set up"


def start(wanted: Wanted, facts: Facts) -> Change:
    """The change that starts the server from its files as they are, also if it is stopped before.

    Only if nothing is wrong with what is set up. Raises HostError as `plan` does.
    """
    have, started = takes.set_up(facts) or {}, facts.server.started
    _check(wanted, facts, partial(task, "setup"))  # what another port takes, a start does not write
    if not (facts.server.alive or facts.server.between) or not started:
        return _start("start the server", wanted, have["python"], takes.port(have))
    if set(facts.server.session_pids) - {started.runner}:
        more = "its tmux session has more windows, and would stay, in the way of the next one"
        raise HostError(more, "close them", there(attach(wanted, facts)))
    return _start("start it again", wanted, have["python"], takes.port(have))


def stop_server(pid: str, start: str) -> dict[str, str]:
    """The arguments of the change that stops the server: that process, if it is the one that started then."""
    return {"pid": pid, "start": start}


def attach(wanted: Wanted, facts: Facts) -> str:
    """The command that shows the server's tmux session, on the host."""
    socket = f"-S {shlex.quote(facts.server.socket)}" if facts.server.socket else "-L nbfab"
    return f"tmux {socket} attach -t {wanted.settings.profile}"


def _why_not(wanted: Wanted, facts: Facts, digest: str) -> str:
    """Why the running server will not do; empty if it will."""
    if not facts.server.alive or facts.server.started is None:
        return "it does not run"
    if facts.server.started.digest != digest:
        have = takes.running(facts)
        if have is None:
            return "it was started with other settings"
        if differences := takes.chosen(have, wanted, facts):
            return ", ".join(differences)
    if wanted.renewed:
        return f"it takes up {', '.join(wanted.renewed)}"
    waits = takes.pending(wanted, facts) if wanted.restart else ()
    if waits:
        return f"it takes up {', '.join(waits)}"
    if wanted.restart and list(module.plan(wanted, facts)):  # also one that was changed by hand
        return "its module is written anew"
    if not facts.server.ready:
        return f"it does not answer ({facts.server.why_not_ready})"
    return ""


def _check(wanted: Wanted, facts: Facts, by: Callable[..., Task] = again) -> None:
    server, port = facts.server, facts.port
    name = wanted.settings.profile
    pid = server.started.pid if server.started else ""
    if not facts.host.tmux:
        raise HostError("there is no tmux", *how_to_install(facts, "tmux"))
    if server.alive and not server.ours:
        raise HostError(
            f"process {pid} looks like its server, but that cannot be proven",
            there(f"ps -fp {pid}"),
            there(attach(wanted, facts)),
        )
    if server.session_pids and not (server.alive or server.between):
        raise HostError(
            f"the tmux session {name} exists, and is not the server's",
            "see what runs in it",
            there(attach(wanted, facts)),
        )
    own = server.alive and pid == str(port.pid)
    if port.holder and not own:
        raise HostError(
            f"port {wanted.settings.port} is taken by {port.holder}", *another_port(wanted.settings.port, by)
        )


def another_port(taken: int, by: Callable[..., Task] = again) -> Fix:
    """What to do about a port that is taken: `by` is the task that takes another one."""
    return "end that, or choose another port", by(f"--port={taken + 1 if taken < 65535 else taken - 1}")


def enable_linger(user: str, facts: Facts) -> str:
    """The command for an administrator of the host by which the user's processes outlive a login."""
    return f"{'' if facts.host.is_root else 'sudo '}loginctl enable-linger {shlex.quote(user)}"


def standing(wanted: Wanted, facts: Facts) -> Iterator[str]:
    """What follows from how the server was started: as root, or with what environment."""
    if facts.host.is_root:
        what = "the server runs" if facts.server.alive else "once started, the server runs"
        yield f"{what} as root (--allow-root): anyone with the password is root there"
    if facts.server.login and facts.server.login.way != "whole":
        yield f"the server does not have all of the login shell's environment: {facts.server.login.words}"


def notes(wanted: Wanted, facts: Facts) -> Iterator[str]:
    """What ends the server before it should end."""
    if user := facts.server.ends_at_logout:
        yield Note(
            f"logind there ends what {user} leaves running at logout (KillUserProcesses), and {user} does not linger: "
            "a start tries to turn that on; where it may not, an administrator has to",
            there(enable_linger(user, facts)),
        )
    if wanted.foreground and not facts.host.tmux:
        yield Note(
            "there is no tmux, so the server runs in the foreground; to change that", *how_to_install(facts, "tmux")
        )
    if facts.server.ours and not facts.server.in_session:
        yield "the server does not run in nbfab's tmux session: it ends with the terminal it was started in"


STEP = Step(
    "server",
    "Start the server in tmux.",
    plan,
    files=lambda settings: (
        Managed(takes.RUN),
        takes.MANAGED,
        Managed("runtime", "folder"),
        Managed("jupyter", "folder"),
    ),
    notes=notes,
    standing=standing,
    alone=False,
)
