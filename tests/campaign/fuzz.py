"""Hosts that lie: looks and applies are mutated, and every task is done with them. Prints what came of it.

    uv run --group dev python tests/campaign/fuzz.py [number of runs] [seed]

No run may end in a traceback or a fault of nbfab's, take long, or tell of something that the host has not reported.
"""

import contextlib
import json
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).parents[1]))
from documents import check_document
from plan_cases import DAY, NEW, NOW, WANTED, certified, holding, listed, running, seen

from nbfab.cli.tasks import TASKS
from nbfab.display.document import document
from nbfab.display.fleet import plans, table
from nbfab.display.host import report
from nbfab.display.page import page
from nbfab.look.facts import FACTS, Facts
from nbfab.look.left import Made, Trace
from nbfab.look.server import Answer, Kernel
from nbfab.outcome import Outcome
from nbfab.run.job import attempt
from nbfab.settings import Settings
from nbfab.user import NoUser

Records = list[dict[str, Any]]
RUNS = 12_000
NO_STATUS = ("failed", "refused", "not reached")
SLOW = 5.0  # seconds of processor time; the slowest honest run takes a fraction of one


def told(facts: Facts) -> Records:
    """What the sh of a host prints that has those facts."""
    host, files, server, found = facts.host, facts.files, facts.server, facts.environments
    records: Records = [
        {"host.uid": host.uid},
        {"host.clock": str(host.clock)},
        {"host.tmux": _yes(host.tmux)},
        {"host.system": host.system},
        {"host.names": " ".join(host.names)},
        {"host.addresses": "    inet 192.0.2.7/24 scope global eth0\n"},
        *(
            {f"choices.{name}": getattr(facts.choices, name)}
            for name in ("port", "directory", "python", "app", "packages")
        ),
        {"files.directory": files.directory},
        {"files.directory_state": files.directory_state},
        {"files.folder": files.folder},
        {"files.state": files.state},
        {"files.nearest": files.nearest},
        {"files.writable": _yes(files.writable)},
        {"files.key": files.key},
        {"files.key_loads": _yes(files.key_loads)},
        *({"files.entries": dict(vars(entry))} for entry in files.entries),
        *({"environments.found": {**each._asdict(), "files": [each.python]}} for each in found.found),
        {"environments.remembered": _yes(found.remembered)},
        {"environments.named": "conda /opt/conda/envs/geo"},
        {"envs.found": "0123456789ab\ninput 0123456789abcdef\ncarried six==1\nhas six-1\n"},
        {"envs.installed": "0123456789ab\nsix-2+\n"},
        {"envs.used": "0123456789ab"},
        {"environments.names": "base\ngeo\n"},
        {"server.session_pids": " ".join(server.session_pids)},
    ]
    if made := files.text("choices"):
        records.append({"choices.made": made})
    if server.started:
        records.append({"server.started": " ".join(map(str, server.started))})
    if server.alive:
        records.append({"server.alive": "yes"})
    if server.answer:
        kernels = [kernel._asdict() for kernel in server.answer.kernels]
        records.append({"server.answer": {**server.answer._asdict(), "kernels": kernels}})
    if facts.port.pid:
        records += [{f"port.{name}": str(value)} for name, value in vars(facts.port).items()]
    return records


def left_of(facts: Facts) -> Records:
    """What the sh prints that looks for what there is to remove."""
    left = facts.left
    made = [f"folder {path}" for path in left.made.folders] + [
        f"linger {' '.join(pair)}" for pair in left.made.lingering
    ]
    made += [f"absent {path}" for path in left.made.absent]
    names = ("entries", "sockets", "beside", "environment", "later")
    lists = {name: getattr(left, name) for name in names}
    return [
        *({f"left.{name}": "".join(f"{kind} ./{path}\n" for kind, path in found)} for name, found in lists.items()),
        {"left.panes": " ".join(left.panes)},
        {"left.profiles": " ".join(left.profiles), "left.users": " ".join(left.users)},
        {"left.made": "\n".join(made)},
        {"left.alone": "\n".join(left.alone)},
        {"left.lingers": left.lingers},
        {"left.traces": "".join(f"{changed} {path}\n" for changed, path in left.traces)},
        {"left.runs": "".join(f"earlier {since} {until}\n" for since, until in left.runs)},
        {"left.logged": str(left.logged)},
        {"left.others": "\n".join(left.others)},
    ]


DOCTOR: Records = [
    {"shell.began": "1000"},
    {"shell.uptime": "10.25"},
    {"home.folder": "/home/ann"},
    {"home.writable": "yes"},
    {"home.place": "/home/ann"},
    {"home.space": "/dev/vda 264212084 224700000 39512084 86% /"},
    {"home.inodes": "/dev/vda 16777216 2000000 14777216 12% /"},
    {"home.mount": "/dev/vda\t/\text4\trw,relatime"},
    {"home.quota": "/dev/vda 10 0 100 0 5 0 0 0"},
    {"interpreter.path": "/env/bin/python"},
    {"interpreter.probe": {"versions": {"python": "3.11.2"}, "strangers": [["a", "/b"]], "configs": [], "kernels": []}},
    {"interpreter.variables": ""},
    {"listening.addresses": "00000000:270F 00000000000000000000000001000000:270F"},
    {"listening.known": "yes"},
    {"limits.resources": "Max open files            1024                 4096                 files     \n"},
    {"stale.orphans": "11 12345\n"},
    {"stale.tmux": "tmux 3.4"},
]


def _yes(value: bool) -> str:
    return "yes" if value else "no"


BASE = NEW.files.folder.rpartition("/")[0]
LEFT = {
    "entries": listed("choices", "generation", "nbserver.pem", "runtime/", "runtime/kernel-1.json", "jupyter@", "mine"),
    "beside": listed(".venv/", ".made"),
    "environment": listed("bin/", "lib64@", "complete"),
    "made": Made((BASE,), (("ann", "box"),)),
    "alone": (BASE.rpartition("/")[0],),
    "lingers": "ann",
    "traces": (Trace(1700000000, ".cache/matplotlib/fontlist-v390.json"),),
    "others": (".cache/matplotlib",),
}
BUSY = seen(running(), server={"answer": Answer(True, "", 9999, (Kernel("0123456789", "a.ipynb", "busy"),), ("1",))})
STOPPED = seen(running(), server={"alive": False, "answer": None, "log": "a\nb"}, port={"pid": 0, "user": ""})
OLD = seen(holding(certified(NEW, now=NOW - 340 * DAY), *running().files.entries[2:]))
STATES = {"new": NEW, "running": running(), "busy": BUSY, "stopped": STOPPED, "old": OLD}
BEFORE = {name: facts if name == "new" else seen(facts, left=LEFT) for name, facts in STATES.items()}
AFTER = {"new": running(), "running": STOPPED, "busy": STOPPED, "stopped": running(), "old": running()}


def _deep(depth: int, opening: str, closing: str) -> Any:
    return json.loads(opening * depth + "0" + closing * depth)


JUNK: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 99, 65536, 10**15, 10**30, 10**400, -0.5, float("inf"), float("nan")),
    *("", " ", "0", "yes", "no", "/", "..", "-rw-------", "drwx------", "/etc", "10 11 12345 digest 1799999999"),
    *("\0", "a\0b", "\ud800", "/\udcff", "\u202e", "a\nb", "\x1b[31m", "\u0663", "²", "é" * 300),
    *("9" * 15, "9" * 400, "9" * 5000, "x" * 256, "/" + "x" * 9000, "x " * 2000, "x" * 200_000, "\n" * 100_000),
    *([], {}, [[]], [{}], ["x"] * 2000, [{}] * 2000, {"": ""}, {"ready": True}, {"ready": "yes", "port": 1}),
    _deep(200, "[", "]"),
    _deep(200, '{"a":', "}"),
    {"ready": True, "port": -1, "kernels": [], "terminals": []},
    {"ready": True, "port": 1, "kernels": [{"id": "\ud800", "notebook": [], "state": 7}], "terminals": [None]},
    {"path": "run.sh", "mode": "-rw-------", "owner": "0", "text": "\ud800"},
    *("[" * 100_000, '{"a":' * 50_000, "(" * 5000, "c.ServerApp.port = 10**10\n" * 50, "c.A.a = " + "(" * 4000),
    *('{"IdentityProvider": 7}', '{"IdentityProvider": {"hashed_password": 7}}', "nbfab 99\n", "nbfab 0.1\nport x 7\n"),
    "nbfab 0.2.0\nprofile flag other\nport flag 70000\nnames flag x\nname flag \u00e9\n",
    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    "-----BEGIN CERTIFICATE-----\n" + "A" * 6400 + "\n-----END CERTIFICATE-----\n",
    "argon2:$argon2id$v=19$m=4294967295,t=4294967295,p=255$a$a",
    '{"IdentityProvider": {"hashed_password": "argon2:$argon2id$v=19$m=9999999,t=9999999,p=9$YWFh$YWFh"}}',
)
LIES: tuple[Mapping[str, Any], ...] = (
    {"doing": 99},
    {"doing": -1},
    {"doing": 0},
    {"doing": 10**30},
    {"done": 0},
    {"done": "0"},
    {"done": None, "text": []},
    {"failed": 0},
    {"failed": {}, "text": 7},
    {"says": ["x"]},
    {"prints": ["x"]},
    {"prints": "\x1b]0;x\x07" * 100},
    {"says": "\x1b]0;x\x07" * 100},
    {"a.b": 1},
    {"host.": 1},
    {"key": "x"},
    {"": ""},
)
NOISE = (b"[" * 200_000, b'{"a": ' * 50_000, b"\xff\xfe", b"-rw------- 1 0 " + b"a" * 30_000, b'{"host.clock": 1e999}')


def mutated(records: Records, chance: random.Random) -> tuple[Records, str]:
    """The records with one thing wrong, and what that is."""
    records = [dict(record) for record in records]
    at = chance.randrange(len(records))
    record = records[at]
    kind = chance.choice(("value", "value", "value", "inside", "text", "drop", "twice", "swap", "order", "lie", "name"))
    name = chance.choice(list(record))
    if kind == "value":
        record[name] = chance.choice(JUNK)
    elif kind == "inside":
        record[name] = _inside(record[name], chance)
    elif kind == "text" and isinstance(record[name], str) and record[name]:
        text = record[name]
        cut = chance.randrange(len(text))
        record[name] = text[:cut] + str(chance.choice(("", "\n", "\udcff", "0", "9" * 30, text))) + text[cut + 1 :]
    elif kind == "drop":
        del records[at]
    elif kind == "twice":
        records.insert(chance.randrange(len(records)), record)
    elif kind == "swap":
        other = chance.choice(records)
        its = chance.choice(list(other))
        record[name], other[its] = other[its], record[name]
    elif kind == "order":
        chance.shuffle(records)
    elif kind == "lie":
        records.insert(at, dict(chance.choice(LIES)))
    else:
        record[chance.choice(list(FACTS))] = record.pop(name)
    return records, f"{kind} {name}"


def _inside(value: Any, chance: random.Random) -> Any:
    """The value, with something else somewhere inside."""
    if isinstance(value, dict) and value:
        key = chance.choice(list(value))
        return {**value, key: _inside(value[key], chance)}
    if isinstance(value, list | tuple) and value:
        at = chance.randrange(len(value))
        return [*value[:at], _inside(value[at], chance), *value[at + 1 :]]
    return chance.choice(JUNK)


@dataclass
class Liar:
    """A host over SSH that has `before`, and `after` once changes are made.

    Up to that many things are `wrong` in each of its reports, but not in the first ones, which are `honest`.
    """

    before: Facts
    after: Facts
    chance: random.Random
    wrong: int
    honest: int
    label: str = "box"
    local: bool = False
    names: tuple[str, ...] = ("box.example.org",)
    ssh: str = "box"
    remarks: tuple[str, ...] = ()
    reported: list[tuple[int, Records]] = field(default_factory=list)
    wrongs: list[str] = field(default_factory=list)

    def talk(self, program: bytes, silence: float) -> Iterator[bytes]:
        """As `Host.talk`."""
        text = program.decode("utf-8", "surrogateescape")
        begin, end = re.findall(r"nbfab-(?:begins|ends)-[0-9a-f]+", text)
        changes = len(re.findall(r"^change \d+ \w+$", text, re.MULTILINE))
        records = [{kind: number, "text": ""} for number in range(changes) for kind in ("doing", "done")]
        lines = text.splitlines()
        if "take_leave" in lines:
            self.after = NEW
        facts = self.after if changes or any(sent for sent, _ in self.reported) else self.before
        records += told(facts) + (left_of(facts) if "look_left" in lines else [])
        records += DOCTOR if "look_shell" in lines else []
        if "tell_key" in lines:
            records = [{"key": "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n"}]
        for _ in range(self.wrong if len(self.reported) >= self.honest else 0):
            if records and self.chance.random() < 0.8:
                records, what = mutated(records, self.chance)
                self.wrongs.append(what)
        self.reported.append((changes, records))
        said = [json.dumps(record).encode() for record in records]
        if self.chance.random() < 0.05:
            said.insert(self.chance.randrange(len(said) + 1), self.chance.choice(NOISE))
        if self.chance.random() < 0.02:
            said = said[: self.chance.randrange(len(said) + 1)]
            end = "Killed"
        yield "\n".join((begin, *(line.decode("utf-8", "surrogateescape") for line in said), end, "")).encode(
            "utf-8", "surrogateescape"
        )

    def close(self) -> None:
        """As `Host.close`."""

    def renew(self) -> None:
        """As `Host.renew`."""


class Someone(NoUser):
    """A user who says yes, and has one password."""

    def chooses_password(self, settings: Settings) -> Any:
        """As `User.chooses_password`."""
        return WANTED.password

    def confirms(self, question: str) -> bool:
        """As `User.confirms`."""
        return True


def lie(task: str, outcome: Outcome, host: Liar) -> str:
    """What the outcome says that the host has not reported; empty if there is nothing."""
    sent = [(changes, records) for changes, records in host.reported if changes]
    last: dict[str, Any] = {}
    for record in host.reported[-1][1] if host.reported else ():
        last |= record
    if "a fault in nbfab" in outcome.error:
        return outcome.error
    if (
        task == "status"
        and outcome.verdict not in NO_STATUS
        and (outcome.verdict == "running") != (outcome.status != 1)
    ):
        return f"{outcome.verdict}, with status {outcome.status}"
    if bool(outcome.error) != bool(outcome.status):
        return f"status {outcome.status}, and the error is {outcome.error!r}"
    if task in ("plan", "status", "doctor", "kernels") and sent:
        return "it changes something"
    if outcome.verdict == "unchanged" and not outcome.status and sent:
        return "nothing changed, although changes were sent"
    if outcome.verdict == "changed" and not all(_made(*each) for each in sent):
        return "changed, although the host has not reported every change as made, once and in its turn"
    if outcome.verdict == "changed" and not sent:
        return "changed, without a change"
    if task == "status" and not outcome.status and last.get("server.alive") != "yes":
        return "running, although the host does not say so"
    if task in ("start", "restart") and outcome.verdict == "changed" and last.get("server.alive") != "yes":
        return "started, although the host does not say that it lives"
    if task == "stop" and outcome.verdict == "changed" and last.get("server.alive") == "yes":
        return "stopped, although the host says that it lives"
    if task == "remove" and outcome.verdict == "changed" and last.get("server.alive") == "yes":
        return "removed, although the host says that it lives"
    return ""


def _made(changes: int, records: Records) -> bool:
    steps = [(key, record[key]) for record in records for key in ("doing", "done", "failed") if key in record]
    return steps == [(kind, number) for number in range(changes) for kind in ("doing", "done")]


def shown(outcome: Outcome) -> None:
    """Shows the outcome in every way there is."""
    texts = (report(outcome), table([outcome]), plans([outcome]), page([outcome], "now", str))
    told = document(outcome.task, [outcome], outcome.status)
    for text in (*texts, told):
        text.encode()
    check_document(json.loads(told))


@dataclass
class Figures:
    """What came of the runs."""

    runs: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    slowest: tuple[float, str] = (0.0, "")
    wrong: list[str] = field(default_factory=list)


def fuzz(runs: int, seed: int) -> Figures:
    """Does every task on hosts that lie."""
    chance, figures = random.Random(seed), Figures()
    with contextlib.ExitStack() as stack:
        for module in ("job", "near", "doctor"):
            stack.enter_context(patch(f"nbfab.run.{module}.time", SimpleNamespace(time=lambda: NOW)))
        stack.enter_context(patch("nbfab.run.reach.reach", lambda *args, **how: ""))
        stack.enter_context(patch("nbfab.run.near._try_port", lambda name, port: chance.choice(("open", "silent"))))
        stack.enter_context(patch("nbfab.run.near._is_trusted", lambda name, port: chance.choice((True, False))))
        for number in range(runs):
            task = TASKS[number % len(TASKS)]
            state = chance.choice(list(BEFORE))
            wrong, honest = chance.choice((0, 1, 1, 1, 2, 3)), chance.choice((0, 0, 1, 1, 2))
            after = running() if task.name == "restart" else AFTER[state]
            host = Liar(BEFORE[state], after, chance, wrong, honest)
            flags = frozenset(flag for flag in ("restart", "force", "yes", "linger_off") if chance.random() < 0.5)
            what = f"seed {seed}, run {number}: {task.name} on {state}"
            began = time.thread_time()
            try:
                outcome = attempt(
                    task.name,
                    task.does,
                    host,
                    Settings(),
                    password=WANTED.password if chance.random() < 0.5 else None,
                    user=Someone(),
                    flags=flags,
                    days_left=chance.choice((None, 30, 3650)),
                )
                shown(outcome)
                found = lie(task.name, outcome, host)
            except Exception as error:
                found = repr(error)
                outcome = Outcome("box", task.name, "failed", error=found)
            took = time.thread_time() - began
            figures.runs += 1
            figures.verdicts[outcome.verdict] += 1
            figures.errors[re.sub(r"[^a-z ].*", "", outcome.error)[:60]] += 1
            figures.slowest = max(figures.slowest, (took, what))
            if found or took > SLOW:
                figures.wrong.append(f"{what}, {host.wrongs}: {found[:300] or f'{took:.1f} s'}")
    return figures


def main(arguments: Sequence[str]) -> int:
    """Prints the figures; 1 if anything was wrong."""
    runs = int(arguments[0]) if arguments else RUNS
    seed = int(arguments[1]) if len(arguments) > 1 else 1
    began = time.monotonic()
    figures = fuzz(runs, seed)
    print(f"{figures.runs} runs of {len(TASKS)} tasks in {time.monotonic() - began:.0f} s, seed {seed}")
    print(f"verdicts: {dict(figures.verdicts.most_common())}")
    print(f"errors: {dict(figures.errors.most_common(12))}")
    print(f"the slowest: {figures.slowest[0]:.2f} s of processor time, {figures.slowest[1]}")
    for line in figures.wrong:
        print(f"WRONG: {line}")
    print(f"{figures.runs - len(figures.wrong)} passed, {len(figures.wrong)} failed")
    return int(bool(figures.wrong))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
