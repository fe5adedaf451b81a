"""Many hosts at once: bounded threads, one outcome a host, whatever happens."""

import contextlib
import queue
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

from nbfab.errors import Dropped, Interrupted, NbfabError
from nbfab.outcome import Outcome, failure

T = TypeVar("T")

JOBS = 64  # measured in benchmarks/fleet.py: more do not end sooner, fewer wait for hosts that are far away
AT_ONCE = 8  # handshakes with one address; sshd drops some of more than 10 (MaxStartups, sshd_config(5))
TRIES = 5  # to get past an sshd that drops connections: some 8 seconds in all
GRACE = 8.0  # seconds that hosts at work have after Control-C, before their connections are cut


class Member(Protocol):
    """A host of a fleet: its name, what is done there, and how to cut it short from another thread."""

    @property
    def name(self) -> str: ...

    def work(self, say: Callable[[str], None]) -> Outcome:
        """Does it, and tells of each step. Raises nothing but what is a fault of nbfab's own."""
        ...

    def cut(self) -> None: ...


@dataclass
class Doors:
    """Keeps handshakes with one address apart, and knocks again where sshd drops them."""

    _doors: dict[tuple[str, int], threading.Semaphore] = field(
        default_factory=lambda: defaultdict(lambda: threading.Semaphore(AT_ONCE))
    )
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def enter(self, address: tuple[str, int], connect: Callable[[], None], say: Callable[[str], None]) -> None:
        """Calls `connect` until the host no longer drops it, at most TRIES times. Nothing was done there before."""
        with self._lock:
            door = self._doors[address]
        for attempt in range(1, TRIES + 1):
            try:
                with door:
                    connect()
                return
            except Dropped:
                if attempt == TRIES:
                    raise
                say(f"it hung up; knocking again ({attempt} of {TRIES - 1})")
                # Not all at the same time again.
                time.sleep(0.5 * 2 ** (attempt - 1) * random.uniform(0.5, 1.0))  # noqa: S311


@dataclass
class Run:
    """A run over a fleet, as the display and the report see it.

    `at_work` maps names to what is done there and since when (monotonic seconds); `outcomes` come as hosts end. It is
    `interrupted` by Control-C, which may have `cut` hosts, and `left` by somebody who did not wait for them to end.
    """

    names: Sequence[str]
    task: str
    at_work: dict[str, tuple[str, float]] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    stopping: threading.Event = field(default_factory=threading.Event)
    cut: set[str] = field(default_factory=set)
    interrupted: bool = False
    left: bool = False

    def in_order(self) -> list[Outcome]:
        """All outcomes; a host without one is interrupted, and how far it came is told."""
        return [self.outcomes.get(name) or failure(self.task, name, self._cut(name)) for name in self.names]

    def _cut(self, name: str) -> Interrupted:
        doing = self.at_work.get(name)
        return Interrupted(f"cut while {doing[0]}" if doing else "not begun", "run it again with --failed")


class Questions:
    """Questions of the threads at work, put by the main one, which Control-C reaches and getpass restores the echo in.

    `aside` puts one where a display is in the way.
    """

    def __init__(self) -> None:
        self.aside: Callable[[Callable[[], Any]], Any] = lambda question: question()
        self._open: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = queue.SimpleQueue()

    def __call__(self, question: Callable[[], T]) -> T:
        """The answer, for any thread but the main one. Raises Interrupted once the run is stopping."""
        future: Future[T] = Future()
        self._open.put((question, future))
        return future.result()

    def put(self, stopping: bool) -> None:
        """Puts those that are open to the person, or none any more; for the main thread. Raises KeyboardInterrupt."""
        with contextlib.suppress(queue.Empty):
            while True:
                question, future = self._open.get_nowait()
                unanswered = Interrupted("a question was not answered", "run it again with --failed")
                try:
                    if stopping:
                        raise unanswered
                    future.set_result(self.aside(question))
                except KeyboardInterrupt:
                    future.set_exception(unanswered)
                    raise
                except Exception as error:  # it is the thread's own
                    future.set_exception(error)


def over(
    members: Sequence[Member],
    task: str,
    jobs: int,
    *,
    fail_fast: bool = False,
    heard: Callable[[str, str], None] = lambda name, line: None,
    display: Callable[[Run], contextlib.AbstractContextManager[object]] = contextlib.nullcontext,
    questions: Questions | None = None,
) -> Run:
    """Has `jobs` members at work at a time, each in a thread, until all have ended or Control-C is pressed.

    After Control-C, or with `fail_fast` after a failure, none is begun with; those at work have GRACE seconds to end,
    then they are cut; a second Control-C does not wait for them. `heard` is told of each step, by name.
    """
    run = Run([member.name for member in members], task)
    todo: queue.SimpleQueue[Member] = queue.SimpleQueue()
    for member in members:
        todo.put(member)
    working: dict[str, Member] = {}

    ended = threading.Semaphore(0)

    def worker() -> None:
        with contextlib.ExitStack() as last, contextlib.suppress(queue.Empty):
            last.callback(ended.release)
            while not run.stopping.is_set():
                member = todo.get_nowait()
                working[member.name] = member
                outcome = run.outcomes[member.name] = _one(member, run, heard)
                del working[member.name]
                run.at_work.pop(member.name, None)
                heard(member.name, ": ".join([outcome.verdict, *outcome.error.splitlines()[:1]]))
                if fail_fast and outcome.status:
                    run.stopping.set()

    # Daemons, so that a second Control-C ends at once whatever they wait for.
    threads = [threading.Thread(target=worker, daemon=True) for _ in range(min(jobs, len(members)))]
    with display(run):
        for thread in threads:
            thread.start()
        left = [len(threads)]

        def wait(seconds: float | None) -> bool:
            return _wait(ended, left, seconds, lambda: questions.put(run.stopping.is_set()) if questions else None)

        try:
            wait(None)
        except KeyboardInterrupt:
            run.stopping.set()
            run.interrupted = True
            try:
                if not wait(GRACE):
                    for member in list(working.values()):
                        run.cut.add(member.name)
                        member.cut()
                    wait(GRACE)
            except KeyboardInterrupt:
                run.left = True
    return run


def _wait(ended: threading.Semaphore, left: list[int], seconds: float | None, meanwhile: Callable[[], None]) -> bool:
    """Whether all threads have ended within `seconds`; `left` counts those that have not.

    Not by Thread.join: interrupted by Control-C it takes a thread for ended that is not (Python before 3.13).
    """
    end = None if seconds is None else time.monotonic() + seconds
    while left[0]:
        if ended.acquire(timeout=0.2):
            left[0] -= 1
        elif end is not None and time.monotonic() > end:
            return False
        meanwhile()
    return True


def _one(member: Member, run: Run, heard: Callable[[str, str], None]) -> Outcome:
    def say(line: str) -> None:
        run.at_work[member.name] = (line.strip(), time.monotonic())
        heard(member.name, line)

    say("connecting")
    try:
        outcome = member.work(say)
    except Exception as error:  # a fault of nbfab's own must not cost this host its verdict, nor others theirs
        return failure(run.task, member.name, NbfabError(f"a fault in nbfab: {error!r}", "please report it"))
    if member.name in run.cut and outcome.status:
        doing = run.at_work[member.name][0]
        cut = failure(
            run.task, member.name, Interrupted(f"cut by Control-C while {doing}", "run it again with --failed")
        )
        return replace(cut, password=outcome.password)
    return outcome


def folded(outcomes: Sequence[Outcome], key: Callable[[Outcome], str]) -> Iterator[tuple[str, list[str]]]:
    """What hosts have in common, and their names, the most common first."""
    groups: dict[str, list[str]] = defaultdict(list)
    for outcome in outcomes:
        groups[key(outcome)].append(outcome.host)
    yield from sorted(groups.items(), key=lambda item: -len(item[1]))
