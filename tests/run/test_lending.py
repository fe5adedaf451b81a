"""When a loan is made, when it ends, and what is said where there is none; on hosts that only report."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest
from plan_cases import NEW, WANTED

from nbfab.apply.apply import Declined
from nbfab.errors import HostError, Undecided
from nbfab.fix import Task
from nbfab.lend import learn
from nbfab.lend.index import Index
from nbfab.lend.loan import NONE, Loan
from nbfab.lend.proxy import Proxy
from nbfab.look.facts import Facts
from nbfab.plan.change import Change
from nbfab.plan.environment import Chosen
from nbfab.run import converge
from nbfab.run.converge import Course
from nbfab.run.job import Job
from nbfab.settings import Settings
from nbfab.ssh.host import There
from nbfab.user import NoUser
from nbfab.wanted import Wanted

INSTALL = Change(step="install", kind="make environment", what="make an environment", args={})
START = Change(step="server", kind="start server", what="start the server", args={})
PORT = 4000
LOOPBACK, EVERYWHERE = "0100007F:0FA0", "00000000:0FA0"
OFFLINE = Declined("it failed: the host cannot reach an index of packages", "name one", words="no", tool="uv")


class Reporting(There):
    """A host at whose port those addresses listen; `log` has what was done there, in order."""

    label, local, names, ssh = "box", False, ("box",), "box"

    def __init__(self, addresses: str = LOOPBACK, known: str = "yes") -> None:
        self.facts = [{"listening.addresses": addresses}, *([{"listening.known": known}] if known else [])]
        self.log: list[str] = []

    def talk(self, program: bytes, silence: float, more: Iterable[bytes] = ()) -> Iterator[bytes]:
        begin, end = re.findall(rb"nbfab-(?:begins|ends)-[0-9a-f]+", program)
        assert b"port=4000" in program
        self.log.append("looked who listens")
        for line in (begin, *(json.dumps(fact).encode() for fact in self.facts), end):
            yield line + b"\n"

    @contextmanager
    def forwarded(self, accept: Callable[[Any], None]) -> Iterator[int]:
        self.log.append("opened")
        try:
            yield PORT
        finally:
            self.log.append("closed")


def sends_nothing(*about: Any) -> list[Change]:
    raise HostError("nothing is sent", "send it")


class Person(NoUser):
    """Answers yes or no, and keeps the questions."""

    def __init__(self, *, allows: bool) -> None:
        self.answer, self.asked = allows, list[str]()

    def allows(self, question: str, of_all: str) -> bool:
        self.asked.append(question)
        return self.answer


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Course]:
    """Runs an installation on a host that declines it without a loan; with one, it comes to that end."""

    def does(host: Any, lend: str = "always", user: NoUser | None = None, end: BaseException | None = None) -> Course:
        plans = iter([[INSTALL, START], [], []])
        seen = replace(NEW)

        def apply(
            host: Any, request: Any, changes: Sequence[Change], facts: Any, course: Course, *more: Any, looks: bool
        ) -> Any:
            _seconds, loan = more
            assert looks
            for change in changes:
                course.begins(change)
                host.log.append(f"{change.kind}{' by loan' if loan != NONE else ''}")
                if change is INSTALL and loan == NONE:
                    raise OFFLINE
                if change is INSTALL and end:
                    raise end
                course.ends(change, "")
            loans.append(loan)
            return seen

        loans: list[Loan] = []
        lendable = learn.Lendable(Index("https://index.example/simple"), frozenset({"index.example"}))
        monkeypatch.setattr(learn, "learn", lambda tool: lendable)
        monkeypatch.setattr(converge, "apply", apply)
        monkeypatch.setattr(converge, "with_wheelhouse", sends_nothing)
        monkeypatch.setattr(converge, "look", lambda host, request: seen)
        monkeypatch.setattr(converge, "plan", lambda *about: next(plans))
        user = user or NoUser()
        course = Course(user)
        wanted = replace(WANTED, settings=Settings.parse({"lend": lend}))
        try:
            job = Job("setup", host, wanted, user)
            converge._with_or_without_index(job, wanted, seen, [INSTALL, START], (), course)
        finally:
            assert course.loan == NONE
        (loan,) = loans
        assert re.fullmatch(r"http://nbfab:[\w-]{32}@127\.0\.0\.1:4000", loan.proxy)
        assert loan.index == "https://index.example/simple"
        assert loan.proxy not in repr(loan)
        return course

    return does


def test_a_loan_begins_after_a_look_at_who_listens_and_ends_with_the_installation(run: Callable[..., Course]) -> None:
    host = Reporting()
    course = run(host)
    assert host.log == [
        *("make environment", "opened", "looked who listens"),
        *("make environment by loan", "closed", "start server by loan"),
    ]
    assert course.begun == [INSTALL, START]
    assert course.words == ["it was lent this machine's access to an index of packages: 0.0 MB in 1 s"]


@pytest.mark.parametrize(
    ("addresses", "known", "why"),
    [
        (EVERYWHERE, "yes", "(GatewayPorts), so the one at 0.0.0.0 was closed"),
        (f"{LOOPBACK} {EVERYWHERE}", "yes", "(GatewayPorts)"),
        (f"{LOOPBACK} 0201A8C0:0FA0", "yes", "the one at 192.168.1.2 was closed"),
        ("00000000000000000000000000000000:0FA0", "yes", "the one at :: was closed"),
        ("0200007F:0FA0", "yes", "the one at 127.0.0.2 was closed"),
        ("", "yes", "what listens there cannot be seen"),
        ("nonsense", "yes", "what listens there cannot be seen"),
        (LOOPBACK, "", "what listens there cannot be seen"),
        (LOOPBACK, "maybe", "what listens there cannot be seen"),
    ],
)
def test_a_port_that_others_could_use_is_closed_before_anything_is_lent(
    addresses: str, known: str, why: str, run: Callable[..., Course]
) -> None:
    host = Reporting(addresses, known)
    with pytest.raises(Declined) as error:
        run(host)
    assert why in str(error.value)
    assert str(error.value).startswith(f"{OFFLINE}; ")
    assert str(error.value).endswith("; and what it needs cannot be sent from here: nothing is sent")
    assert host.log == ["make environment", "opened", "looked who listens", "closed"]


@pytest.mark.parametrize("addresses", [LOOPBACK, f"{LOOPBACK} 00000000000000000000000001000000:0FA0"])
def test_the_loopback_of_both_kinds_is_for_the_host_alone(addresses: str, run: Callable[..., Course]) -> None:
    assert run(Reporting(addresses)).words


@pytest.mark.parametrize(
    ("lend", "allows", "questions", "lent"),
    [
        ("always", False, 0, True),
        ("ask", True, 1, True),
        ("ask", False, 1, False),
        ("never", True, 0, False),
    ],
)
def test_it_is_the_user_who_decides(
    lend: str, allows: bool, questions: int, lent: bool, run: Callable[..., Course]
) -> None:
    host, person = Reporting(), Person(allows=allows)
    if lent:
        run(host, lend, person)
    else:
        with pytest.raises(Undecided if lend == "ask" else Declined) as error:
            run(host, lend, person)
        assert str(error.value).startswith(str(OFFLINE))
        assert host.log == ["make environment"]
        flags = [part.options for part in error.value.fix if isinstance(part, Task)]
        assert flags == ([("--lend=always",), ("--lend=never",)] if lend == "ask" else [])
        assert "name one" in error.value.fix
    assert len(person.asked) == questions


def test_this_machine_is_lent_nothing_and_no_one_is_asked(run: Callable[..., Course]) -> None:
    host, person = Reporting(), Person(allows=True)
    host.local = True
    with pytest.raises(Declined) as error:
        run(host, "ask", person)
    assert error.value is OFFLINE
    assert not person.asked


@pytest.mark.parametrize(
    "end",
    [KeyboardInterrupt(), HostError("no", "again"), Declined("the disk is full", words="full")],
    ids=lambda end: type(end).__name__,
)
def test_however_it_ends_the_port_is_closed(end: BaseException, run: Callable[..., Course]) -> None:
    host = Reporting()
    with suppress(KeyboardInterrupt, HostError):
        run(host, end=end)
    assert host.log[-2:] == ["make environment by loan", "closed"]


def test_what_an_installation_asks_for_in_vain_is_named(
    run: Callable[..., Course], monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = Proxy.__init__

    def refusing(self: Proxy, *about: Any) -> None:
        begin(self, *about)
        self.refused.append("other.example:443")

    monkeypatch.setattr(Proxy, "__init__", refusing)
    host = Reporting()
    with pytest.raises(Declined) as error:
        run(host, end=Declined("it failed: no proxy", words="no proxy", tool="uv"))
    assert "and not to other.example:443" in str(error.value)
    assert host.log.count("opened") == 1  # it is not tried again and again
    assert run(Reporting()).words[-1] == "what asked there for other.example:443 was refused"


def test_where_nothing_is_lent_what_was_found_serves_and_the_report_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def declines(job: Job, wanted: Wanted, seen: Facts, changes: list[Change], steps: Any, course: Course) -> Any:
        if not wanted.as_found:
            course.begins(INSTALL)
            raise OFFLINE
        return seen, [], ()

    monkeypatch.setattr(converge, "_carry_out", declines)
    monkeypatch.setattr(converge, "look", lambda host, request: NEW)
    monkeypatch.setattr(converge, "plan", lambda *about: [])
    found = Chosen("/usr/bin/python3", "notebook", True, None)
    monkeypatch.setattr(converge.install, "falls_back", lambda *about: found)
    course = Course(NoUser())
    host: Any = Reporting()
    converge._with_or_without_plots(Job("setup", host, WANTED), WANTED, NEW, [INSTALL], (), course)
    assert course.words == [
        "no environment could be made, so /usr/bin/python3 is used: "
        f"{OFFLINE.words}; it can be lent this machine's access to one, if you allow that"
    ]
    assert not course.begun
    assert not host.log
