"""Apply: what the user sees of the changes, and where a run ends that does not get through."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from plan_cases import KEEP, NEW, WANTED, file, holding, running, seen

from nbfab.apply.apply import FUNCTIONS, apply
from nbfab.errors import ConnectError, HostError
from nbfab.look.facts import Facts
from nbfab.plan import server
from nbfab.plan.change import Change
from nbfab.plan.steps import STEPS, plan, request

FACTS: list[dict[str, Any]] = [
    {"host.uid": "1000", "host.clock": "1800000000"},
    {"choices.port": "9999", "choices.directory": "", "choices.python": "", "choices.app": "notebook"},
    {"files.folder": "/x/nbserver", "files.directory": "/home/ann", "files.directory_state": "ok"},
    {"files.nearest": "/x/nbserver", "files.writable": "yes", "files.state": "folder"},
]
CHANGES = plan(WANTED, NEW, STEPS)
DOING, DONE = {"doing": 0, "text": ""}, {"done": 0, "text": ""}


def made(changes: Sequence[Change], first: int = 0) -> list[dict[str, Any]]:
    """What a host reports that makes those changes, from the first on."""
    return [{kind: number, "text": ""} for number in range(first, len(changes)) for kind in ("doing", "done")]


class Scripted:
    """A host that reports the same records on every program, and keeps the program."""

    label, local, names, ssh, remarks = "box", False, ("box",), "box", ()

    def __init__(self, *records: Any, error: Exception | None = None) -> None:
        self.records = records
        self.error = error
        self.program = ""
        self.silence = 0.0

    def talk(self, program: bytes, silence: float) -> Iterator[bytes]:
        self.program, self.silence = program.decode(), silence
        begin, end = re.findall(rb"nbfab-(?:begins|ends)-[0-9a-f]+", program)
        yield begin + b"\n"
        for record in self.records:
            yield json.dumps(record).encode() + b"\n"
        if self.error:
            raise self.error
        yield end + b"\n"

    def close(self) -> None:
        pass

    def renew(self) -> None:
        pass


class Log:
    """A watcher that writes down what it sees."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def begins(self, change: Change) -> None:
        self.lines.append(f"begins {change.kind}")

    def says(self, line: str) -> None:
        self.lines.append(f"says {line}")

    def prints(self, line: str) -> None:
        self.lines.append(f"prints {line}")

    def ends(self, change: Change, words: str) -> None:
        self.lines.append(f"ends {change.kind} {words}".strip())


def run(host: Scripted, changes: list[Change] = CHANGES, facts: Facts = NEW) -> tuple[Facts, list[str]]:
    """The facts after the changes, and what the watcher has seen."""
    log = Log()
    return apply(host, request(WANTED), changes, facts, log, 60), log.lines


def test_the_changes_are_seen_as_they_are_made() -> None:
    records = [
        DOING,
        {"prints": "Downloading "},
        {"says": "once more"},
        DONE,
        {"doing": 1, "text": ""},
        {"done": 1, "text": "a warning\n"},
    ]
    records += made(CHANGES, 2)
    facts, lines = run(Scripted(*records, *FACTS))
    assert facts.files.folder == "/x/nbserver"
    assert lines[:6] == [
        "begins use environment",
        "prints Downloading",
        "says once more",
        "ends use environment",
        "begins write",
        "ends write a warning",
    ]
    assert len(lines) == 2 + 2 * len(CHANGES)


def test_each_change_is_called_in_its_turn_and_then_the_host_is_looked_at() -> None:
    host = Scripted(*made(CHANGES), *FACTS)
    run(host)
    calls = re.findall(r"^change (\d+) (\w+)\b", host.program, re.MULTILINE)
    assert calls == [(str(number), FUNCTIONS[change.kind]) for number, change in enumerate(CHANGES)]
    prepare, *changes, look, release = [
        match.start() for match in re.finditer(r"^(prepare|change .*|look|release)$", host.program, re.M)
    ]
    assert prepare < min(changes) <= max(changes) < look < release < host.program.rindex("nbfab-ends")


def test_the_run_holds_only_for_the_state_that_was_seen() -> None:
    host = Scripted(*FACTS)
    run(host, [], holding(NEW, file("generation", "1800000000.7\n")))
    assert "\ngeneration=1800000000.7\n" in host.program
    run(host, [], NEW)
    assert "\ngeneration=''\n" in host.program


@pytest.mark.parametrize(
    ("records", "reason"),
    [
        (
            [DOING, {"failed": 0, "text": "no space\n"}],
            r"use the environment of .* \(/env/bin/python: notebook 7.2\) failed: no space",
        ),
        ([{"failed": 0, "text": "another run is at work there"}], "another run is at work there"),
    ],
)
def test_a_change_that_fails_ends_it(records: list[Any], reason: str) -> None:
    with pytest.raises(HostError, match=f"^{reason}$") as error:
        run(Scripted(*records, *FACTS))
    assert error.value.hint == "fix that, then run it again"


@pytest.mark.parametrize("number", [-1, len(CHANGES), "0", None, True, 0.0, [0]])
@pytest.mark.parametrize("kind", ["doing", "done"])
def test_a_report_on_no_change_makes_no_sense(kind: str, number: Any) -> None:
    with pytest.raises(HostError, match="what the host reports on its changes makes no sense"):
        run(Scripted({kind: number}, *FACTS))


@pytest.mark.parametrize(
    "records",
    [
        [],
        [DOING],
        made(CHANGES)[:-1],
        made(CHANGES)[:-2],
        made(CHANGES)[2:],
        [*made(CHANGES)[:2], *made(CHANGES)],
        [DONE, DOING, *made(CHANGES, 1)],
        [DOING, {"doing": 1}, DONE, {"done": 1}, *made(CHANGES, 2)],
    ],
    ids=["none", "begun", "no end", "one less", "not the first", "twice", "swapped", "at once"],
)
def test_each_change_is_reported_once_and_in_its_turn(records: list[Any]) -> None:
    with pytest.raises(HostError, match="what the host reports on its changes makes no sense"):
        run(Scripted(*records, *FACTS))


@pytest.mark.parametrize("text", [None, 7, ["x"], {}])
def test_what_is_not_text_is_left_out(text: Any) -> None:
    _, lines = run(Scripted(DOING, {"says": text}, {"done": 0, "text": text}, *made(CHANGES, 1), *FACTS))
    assert lines[:3] == ["begins use environment", "says ", "ends use environment"]


@pytest.mark.parametrize(
    ("records", "at"),
    [([], "the beginning"), ([DOING, DONE, {"doing": 1}], "write the hash of the password")],
)
def test_a_connection_that_breaks_says_how_far_it_got(records: list[Any], at: str) -> None:
    lost = ConnectError("the connection was lost", "run it again", jump="gate")
    with pytest.raises(ConnectError, match=f"^the connection was lost, at: {at}$") as error:
        run(Scripted(*records, error=lost))
    assert (error.value.hint, error.value.jump) == ("run it again", "gate")


def test_an_installation_may_be_silent_for_longer() -> None:
    slower = plan(WANTED, seen(environments={"found": (), "uv": "/usr/bin/uv"}), STEPS)
    quick, slow = Scripted(*made(CHANGES), *FACTS), Scripted(*made(slower), *FACTS)
    run(quick)
    run(slow, slower)
    assert quick.silence == 120
    assert slow.silence == 900


def test_a_restart_is_two_calls() -> None:
    changes = list(server.plan(KEEP, seen(running(), server={"answer": None})))
    host = Scripted(*made(changes), *FACTS)
    run(host, changes, running())
    assert re.findall(r"^change \d+ (\w+)$", host.program, re.MULTILINE) == ["stop_server", "start_server"]
    assert "\npid=11\nstart=12345\n" in host.program
