"""Takes: what a server takes up when it starts, parsed, so that wording does not count.

What the running server has taken up follows from the files that it was started with. If they are replaced while it
runs, a note keeps that (`FILE`).
"""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from nbfab.plan import config, module, password
from nbfab.plan.files import Managed, write
from nbfab.plan.install import choose
from nbfab.settings import duration, written

if TYPE_CHECKING:
    from nbfab.look.facts import Facts
    from nbfab.plan.change import Change
    from nbfab.wanted import Wanted

FILE = "started.json"
MANAGED = Managed(FILE)
RUN = "run.sh"
_TRAIT = re.compile(r"c\.([A-Za-z]{1,60}\.[a-z_]{1,60}) = (.{1,5000})")
_LAUNCHER = re.compile(r"^: launcher ([0-9]{1,9})$", re.MULTILINE)
_CALL = "unset -v digest python needed\n"

Takes = Mapping[str, str]


def traits(text: str) -> Takes:
    """The traits that a configuration sets, each with its value as text; an expression stands as it is."""
    found = {}
    for line in text.split("\n"):
        if match := _TRAIT.fullmatch(line):
            try:
                found[match[1]] = str(ast.literal_eval(match[2]))
            except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
                found[match[1]] = match[2]
    return found


def launcher(script: str) -> str:
    """Which launcher a program for tmux is, as run.sh counts them."""
    match = _LAUNCHER.search(script)
    return match[1] if match else "1"


def of(script: str, python: str, arguments: Iterable[str], settings: str, hashed: str) -> dict[str, str]:
    """What a server takes up: launcher, interpreter, app and options, settings, our module, and the password it had."""
    words = list(arguments)
    options = dict(word.partition("=")[::2] for word in words if word.startswith("--"))
    app = words[words.index("-m") + 1] if "-m" in words[:-1] else ""
    return {
        "python": python,
        "module": app,
        "launcher": launcher(script),
        "password": _sha256(hashed) if hashed else "",
        module.TAKES: module.named(settings),
        **options,
        **traits(settings),
    }


def digest(script: str, python: str, arguments: Iterable[str], settings: str, password_file: str) -> str:
    """The digest of everything that a server reads when it starts, and then only; it names the start."""
    parts = (script, python, *arguments, settings, *([] if module.named(settings) else [password_file]))
    return _sha256("\0".join(parts))


def _sha256(text: str) -> str:
    import hashlib  # not by a module that every `--list` imports

    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def wanted_takes(wanted: Wanted, facts: Facts) -> Takes:
    """What a server would take up that is started as wanted."""
    from nbfab.program import source

    chosen = choose(wanted, facts)
    arguments = ("-m", chosen.module, *config.guards(wanted, facts))
    hashed = password.hash_in(password.text(wanted, facts))
    return of(source("plan/run.sh"), chosen.python, arguments, config.text(wanted, facts), hashed)


def running(facts: Facts) -> Takes | None:
    """What the running server has taken up; None if that is not known."""
    return last(facts) if facts.server.alive else None


def last(facts: Facts) -> Takes | None:
    """The same of the server that was started last, whether it still runs or has ended without having been stopped."""
    started = facts.server.started
    return (_noted(facts, started.digest) or _from_files(facts, started.digest)) if started else None


def _noted(facts: Facts, of_start: str) -> Takes | None:
    try:
        note = json.loads(facts.files.text(FILE))
        return {str(key): str(value) for key, value in note["takes"].items()} if note["digest"] == of_start else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def set_up(facts: Facts) -> Takes | None:
    """What a server would take up that is started from the files as they are; None if they do not belong together."""
    digests = re.findall(r"^digest=([0-9a-f]{64})$", facts.files.text(RUN), re.MULTILINE)
    return _from_files(facts, digests[-1]) if digests else None


def _from_files(facts: Facts, of_start: str) -> Takes | None:
    """What the files give, if their digest proves that they are those that the server was started with."""
    script, _, call = facts.files.text(RUN).rpartition(_CALL)
    settings, passwords = facts.files.text(config.FILE), facts.files.text(password.FILE)
    try:
        words = shlex.split(call)
    except ValueError:
        return None
    python = next((word.partition("=")[2] for word in words if word.startswith("python=")), "")
    arguments = words[words.index("run_server") + 1 :] if "run_server" in words else []
    if digest(script, python, arguments, settings, passwords) != of_start:
        return None
    return of(script, python, arguments, settings, password.hash_in(passwords))


def note(facts: Facts, changes: Collection[Change]) -> Iterator[Change]:
    """Keeps what the running server has taken up, if `changes` replace files that it was started with."""
    started, takes = facts.server.started, running(facts)
    read = (RUN, config.FILE, *([] if takes and takes.get(module.TAKES) else [password.FILE]))
    replaced = any(change.args.get("file") in read for change in changes)
    restarted = any(change.kind == "start server" for change in changes)
    if started and takes and replaced and not restarted and _noted(facts, started.digest) is None:
        content = json.dumps({"digest": started.digest, "takes": takes}, indent=2) + "\n"
        yield write("server", "note what the server was started with", FILE, content)


def chosen(have: Takes, wanted: Wanted, facts: Facts) -> list[str]:
    """What the user has chosen that a server with `have` has not taken up, for people."""
    want = wanted_takes(wanted, facts)
    before, now = _options(have), _options(want)
    differences = [f"{key} {before.get(key)} -> {now[key]}" for key in now if before.get(key) != now[key]]
    if not have.get(module.TAKES) and have.get("password") != want["password"]:
        differences.append("the password is new")
    for key, taken in (("python", "python"), ("app", "module")):
        by_hand = key in wanted.resets or wanted.settings.sources.get(key, "default") != "default"
        if by_hand and have.get(taken) != want[taken]:
            differences.append(f"it runs {have.get(taken)}")
    return differences


def pending(wanted: Wanted, facts: Facts) -> tuple[str, ...]:
    """What the running server will take up at its next restart: names of traits and options, or the interpreter."""
    have = running(facts)
    if have is None:
        return ()
    want = wanted_takes(wanted, facts)
    live = {"password"} if have.get(module.TAKES) else set()
    keys = {key for key in {*have, *want} - live if have.get(key) != want.get(key)}
    # Another interpreter may want other traits altogether.
    return tuple(sorted(keys & {"python", "module"} or keys))


def waiting(wanted: Wanted, facts: Facts) -> tuple[str, ...]:
    """Of what is pending, what is set up, so that a mere restart takes it up; all of it if that cannot be told."""
    waits, there = pending(wanted, facts), set_up(facts)
    if not (waits and there):
        return waits
    want = wanted_takes(wanted, facts)
    return tuple(key for key in waits if there.get(key) == want.get(key))


def port(takes: Takes) -> str:
    """The port that a server with `takes` serves on; empty if that is not known."""
    return _options(takes).get("port", "")


def _options(takes: Takes) -> dict[str, str]:
    named = ((config.OPTIONS.get(key.rpartition(".")[2]), value) for key, value in takes.items())
    admits = any(key.endswith(".client_ca") for key in takes)
    limits = ((key, takes.get(f"Nbfab.{key}", "0")) for key in config.IDLE)
    idle = {
        key: duration(int(value)) if value.isascii() and value[:12].isdigit() and len(value) <= 12 else value
        for key, value in limits
    }
    switches = {
        "client_certificates": written(admits),
        "keep_output": written(takes.get(f"Nbfab.{config.KEEP}") == "True"),
    }
    return {key: value for key, value in named if key} | switches | idle
