"""Many hosts at once: bounded threads, and one outcome per host, whatever happens."""

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import field, replace
from typing import Protocol

from nbfab.errors import Interrupted, stopper
from nbfab.fleet.places import Places
from nbfab.fleet.questions import AGAIN, Questions
from nbfab.outcome import Outcome, failure
from nbfab.records import dataclass

JOBS = 64  # measured in benchmarks/fleet.py: more do not end sooner, fewer wait for hosts that are far away
GRACE = 8.0  # seconds that hosts at work have after Control-C, before their connections are cut


class Member(Protocol):
    """A host of a fleet: its name, what is done there, and how to cut that short from another thread."""

    @property
    def name(self) -> str: ...

    def work(self, sees: Callable[[str], None], hears: Callable[[str], None]) -> Outcome:
        """Does it; `sees` gets each step, and `hears` what one prints. Raises nothing, unless there is a bug."""
        ...

    def cut(self) -> None: ...


@dataclass
class Run:
    """A run over a fleet, as the display and the report see it.

    `at_work` maps names to what is being done there and since when (monotonic seconds), and `heard` to what that has
    printed last; `outcomes` arrive as hosts end.
    A first Control-C, or a signal that counts as one, makes it `interrupted`, and may `cut` hosts; with a second, it is
    `left` before they have ended. `again` is the fix for those.
    """

    names: Sequence[str]
    task: str
    at_work: dict[str, tuple[str, float]] = field(default_factory=dict)
    heard: dict[str, str] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    stopping: threading.Event = field(default_factory=threading.Event)
    cut: set[str] = field(default_factory=set)
    interrupted: KeyboardInterrupt | None = None
    left: bool = False
    again: str = AGAIN

    def in_order(self) -> list[Outcome]:
        """All outcomes; a host without one was interrupted, and its outcome says how far it got."""
        return [self.outcomes.get(name) or failure(self.task, name, self._cut(name)) for name in self.names]

    def _cut(self, name: str) -> Interrupted:
        doing = self.at_work.get(name)
        return Interrupted(f"cut while {doing[0]}" if doing else "not begun", self.again, by=self.interrupted)


def over(
    members: Sequence[Member],
    task: str,
    jobs: int,
    *,
    fail_fast: bool = False,
    records: Callable[[Outcome], None] = lambda outcome: None,
    sees: Callable[[str, str], None] = lambda name, line: None,
    hears: Callable[[str, str], None] = lambda name, line: None,
    ended: Callable[[Outcome], None] = lambda outcome: None,
    display: Callable[[Run], contextlib.AbstractContextManager[object]] = contextlib.nullcontext,
    questions: Questions | None = None,
    places: Places | None = None,
    again: str = AGAIN,
    stopping: threading.Event | None = None,
    grace: float = GRACE,
) -> Run:
    """Has `jobs` members at work at a time, each in a thread, until all have ended or Control-C is pressed.

    After Control-C, or with `fail_fast` after a failure, none is begun; those at work have `grace` seconds to end, then
    they are cut; a second Control-C does not wait for them. `records` gets each outcome as it arrives, before anything
    is shown of it, `sees` each step with its host, `hears` what a step prints, and `ended` each outcome. `places` are
    those that members lend while their hosts are silent. `again` is the fix for a host that Control-C has kept from its
    end. `stopping` is set once no more is to be begun, for members that would go on.

    Raises what `records`, `sees` or `ended` raise, such as BrokenPipeError, once those at work have ended.
    """
    run = Run([member.name for member in members], task, again=again, stopping=stopping or threading.Event())
    broken: list[Exception] = []
    todo: queue.SimpleQueue[Member] = queue.SimpleQueue()
    for member in members:
        todo.put(member)
    working: dict[str, Member] = {}
    finished = threading.Semaphore(0)
    places = places or Places()
    threads: list[threading.Thread] = []

    def begin() -> None:
        # A daemon, so that a second Control-C ends at once whatever it waits for.
        thread = threading.Thread(target=worker, daemon=True)
        threads.append(thread)  # first, for it may end before this goes on
        try:
            thread.start()
        except BaseException:
            threads.remove(thread)
            raise

    def worker() -> None:
        try:
            work()
        except Exception as error:  # belongs to the main thread
            broken.append(error)
            run.stopping.set()
        finally:
            places.leave()
            finished.release()

    def work() -> None:
        with contextlib.suppress(queue.Empty):
            while not (run.stopping.is_set() or places.is_needed()):
                member = todo.get_nowait()
                working[member.name] = member
                outcome = run.outcomes[member.name] = _one(member, run, sees, hears)
                del working[member.name]
                run.at_work.pop(member.name, None)
                records(outcome)
                sees(member.name, ": ".join([outcome.verdict, *outcome.error.splitlines()[:1]]))
                ended(outcome)
                if fail_fast and outcome.failed:
                    run.stopping.set()

    places.on_vacant(begin)
    with display(run):
        ended_threads = [0]

        def wait(seconds: float | None) -> bool:
            meanwhile = (lambda: questions.put(run.stopping.is_set())) if questions else (lambda: None)
            return _wait(finished, threads, ended_threads, seconds, meanwhile)

        try:
            for _ in range(min(jobs, len(members))):
                begin()
            wait(None)
        except KeyboardInterrupt as error:
            run.stopping.set()
            run.interrupted = error
            try:
                if not wait(grace):
                    for member in list(working.values()):
                        run.cut.add(member.name)
                        member.cut()
                    wait(GRACE)
            except KeyboardInterrupt:
                run.left = True
    if broken:
        raise broken[0]
    return run


def _wait(
    finished: threading.Semaphore,
    threads: Sequence[threading.Thread],
    ended: list[int],
    seconds: float | None,
    meanwhile: Callable[[], None],
) -> bool:
    """Whether all threads have ended within `seconds`, also those that begin meanwhile; `ended` counts them.

    Not by Thread.join: if Control-C interrupts it, it takes a thread for ended that is not (Python before 3.13).
    """
    end = None if seconds is None else time.monotonic() + seconds
    while ended[0] < len(threads):
        if finished.acquire(timeout=0.2):
            ended[0] += 1
        elif end is not None and time.monotonic() > end:
            return False
        meanwhile()
    return True


def _one(member: Member, run: Run, sees: Callable[[str, str], None], hears: Callable[[str, str], None]) -> Outcome:
    def step(line: str) -> None:
        run.heard.pop(member.name, None)
        run.at_work[member.name] = (line.strip(), time.monotonic())
        with contextlib.suppress(BrokenPipeError):  # once the work is done, that is heard again
            sees(member.name, line)

    def print_line(line: str) -> None:
        run.heard[member.name] = line
        hears(member.name, line)

    step("connecting")
    try:
        outcome = member.work(step, print_line)
    except Exception as error:  # a bug must not cost this host its verdict, nor other hosts theirs
        return failure(run.task, member.name, error)
    if member.name in run.cut and outcome.status:
        doing = run.at_work[member.name][0]
        by = run.interrupted or KeyboardInterrupt()
        cut = failure(run.task, member.name, Interrupted(f"cut by {stopper(by)} while {doing}", run.again, by=by))
        return replace(cut, password=outcome.password)
    return outcome
