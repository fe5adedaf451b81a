"""Step 5: the server in tmux, detached, answering."""

import hashlib
from collections.abc import Iterator

from nbfab.change import Change, call, functions, write
from nbfab.errors import HostError
from nbfab.facts import Facts
from nbfab.remote import source
from nbfab.steps import config, password
from nbfab.steps.install import choose, how_to_install
from nbfab.wanted import Wanted

FILE = "run.sh"


def run(wanted: Wanted, facts: Facts) -> tuple[str, str]:
    """The program that tmux runs, and the digest of everything that the server takes up when it starts."""
    chosen = choose(wanted, facts)
    arguments = (chosen.python, "-m", chosen.module, *config.guards(wanted, facts))
    script = functions("process", "run")
    parts = (script, *arguments, config.text(wanted, facts), password.text(wanted, facts))
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()
    return script + call("run_server", digest, *arguments), digest


def server(wanted: Wanted, facts: Facts, *, foreground: bool = False) -> Iterator[Change]:
    """The server is started, or started anew where what it was started with is not what is wanted.

    In the `foreground` nothing is started here. Raises HostError if it could not be started: no tmux, the port
    taken, something else in its place.
    """
    script, digest = run(wanted, facts)
    why = _why_not(facts, digest)
    if facts.run_file != script or facts.modes.get(FILE) != "-rw-------":
        yield write("server", "write the program that tmux runs", FILE, script, needs_restart=True)
    if not why or foreground:
        return
    _check(wanted, facts)
    verb = "start the server"
    if facts.alive and facts.started:
        yield Change("server", f"stop the server: {why}", "stop_server", facts.started[1:3], needs_restart=True)
        verb = "start it again"
    args = (wanted.settings.profile, choose(wanted, facts).python, str(wanted.seconds), source("server.py"))
    yield Change("server", f"{verb} in tmux at port {wanted.settings.port}", "start_server", args, needs_restart=True)


def _why_not(facts: Facts, digest: str) -> str:
    """Why the server that runs will not do; empty if it will."""
    if not facts.alive or facts.started is None:
        return "it does not run"
    if facts.started.digest != digest:
        return "it was started with other settings"
    if facts.server is None or not facts.server.ready:
        return f"it does not answer ({facts.server.reason if facts.server else 'no Python there to ask it'})"
    return ""


def _check(wanted: Wanted, facts: Facts) -> None:
    name, port = wanted.settings.profile, wanted.settings.port
    attach = f"tmux -L nbfab attach -t {name}"
    if not facts.tmux:
        raise HostError("there is no tmux", how_to_install(facts, "tmux"))
    if facts.alive and not facts.ours:
        pid = facts.started.pid if facts.started else "?"
        raise HostError(f"process {pid} seems to be its server, but cannot be proven to be", f"ps -fp {pid}; {attach}")
    if facts.session_pids and not facts.alive:
        raise HostError(f"a tmux session {name} is there that is not the server's", f"see what runs in it: {attach}")
    own = facts.alive and facts.started and facts.port_holder.startswith(f"process {facts.started.pid} ")
    if facts.port_holder and not own:
        raise HostError(f"port {port} is taken by {facts.port_holder}", "end that, or choose another: --port NUMBER")


def notes(wanted: Wanted, facts: Facts) -> Iterator[str]:
    """What a person should know of the server."""
    if facts.uid == "0":
        yield "the server runs as root: whoever knows the password is root there"
    if facts.ours and facts.started and facts.started.runner not in facts.session_pids:
        yield "the server does not run in nbfab's tmux session, so closing where it was started ends it"
