"""Converge: look, plan, apply, look again, until the host is what is wanted."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import field, replace

from nbfab.apply.apply import INSTALLS, Declined, apply
from nbfab.changed import Changed
from nbfab.errors import CannotLend, HostError, NbfabError, Refused, Undecided, UsageError
from nbfab.fix import again, task
from nbfab.lend.loan import NONE, Loan
from nbfab.look.facts import Facts
from nbfab.look.look import look
from nbfab.outcome import DUE, Outcome, failure
from nbfab.plan import drops, install, password, takes
from nbfab.plan.adopt import adopt
from nbfab.plan.change import Change
from nbfab.plan.step import Step
from nbfab.plan.steps import STEPS, plan, request
from nbfab.records import dataclass
from nbfab.run import issue
from nbfab.run.days import in_time
from nbfab.run.describe import describe
from nbfab.run.job import Job
from nbfab.run.key import with_key
from nbfab.run.lend import lending
from nbfab.run.logout import after_start, gone
from nbfab.run.resolve import dropped, with_resolution
from nbfab.run.see import see
from nbfab.run.wheelhouse import explained, with_uv, with_wheelhouse
from nbfab.user import User
from nbfab.wanted import Wanted

Equips = Callable[[Job, Wanted, Facts, Sequence[Change]], list[Change]]


@dataclass
class Course:
    """How far a plan has got: the changes that were `sent` to the host, those it has `begun`, and its words on them.

    `total` is how many will have begun in the end, and then it `looks` again, unless that is done later. `records`
    keeps what is sent, and says why it could not. What is installed comes through the `loan`, and `installed` is called
    once the `installing` changes are made; or `equips` sends it from here first.

    The user sees each step.
    """

    user: User
    sent: list[Change] = field(default_factory=list)
    begun: list[Change] = field(default_factory=list)
    total: int = 0
    looks: bool = True
    words: list[str] = field(default_factory=list)
    password_set: bool = False
    records: Callable[[Change], str] = lambda change: ""
    equips: Equips = with_uv
    loan: Loan = NONE
    installing: int = 0
    installed: Callable[[], None] = lambda: None

    def begins(self, change: Change) -> None:
        """As `apply.Watcher.begins`."""
        self.begun.append(change)
        self.user.sees(f"step {len(self.begun)} of {self.total}, {change.step}: {change.summary}")

    def says(self, line: str) -> None:
        """As `apply.Watcher.says`."""
        self.user.sees(f"  {line}")

    def prints(self, line: str) -> None:
        """As `apply.Watcher.prints`."""
        self.user.hears(line)

    def ends(self, change: Change, words: str) -> None:
        """As `apply.Watcher.ends`."""
        self.words += filter(None, (words, change.note))
        if _sets_password(change):
            self.password_set = True
            self.user.password_is_set(certain=True)
        if change.kind in INSTALLS:
            self.installing -= 1
            if not self.installing:
                self.installed()
        if len(self.begun) == self.total and self.looks:
            self.user.sees("looking again")


def converge(job: Job, steps: Sequence[Step] = STEPS) -> Outcome:
    """Makes the host what is wanted, as far as those steps go. Raises NbfabError.

    With wanted.foreground everything is made ready, and the server is left to be started.
    """
    job.user.sees("looking")
    job, seen = see(job, steps)
    return go_on(job, seen, steps)


def go_on(job: Job, seen: Facts, steps: Sequence[Step]) -> Outcome:
    """The same, once the host is `seen`, and it is settled which settings count."""
    wanted = job.wanted
    changes = plan(wanted, seen, steps)
    issue.check(wanted, changes)
    given = None
    if "new" in job.flags:
        given = job.user.makes_password(wanted.settings)
    elif password.STEP in steps and password.missing(wanted, seen):
        given = job.user.chooses_password(wanted.settings)
    elif wanted.password is None and any(step.renews for step in steps) and len(steps) == 1:
        given = job.user.changes_password()
    if given:
        wanted = replace(wanted, password=given)
        changes = plan(wanted, seen, steps)
    course, ends = Course(job.user, words=list(drops.absent(wanted, seen))), ""
    if any(change.kind == "renew certificate" for change in changes):
        wanted, new_key = with_key(job, wanted, seen)
        changes = plan(wanted, seen, steps)
        course.words += filter(None, [new_key])
    if any(change.kind == "issue certificate" for change in changes):
        wanted = issue.with_signer(job, wanted, seen)
        changes = plan(wanted, seen, steps)
    wanted = with_resolution(job, wanted, seen, changes)
    changes = plan(wanted, seen, steps)
    course.words += dropped(wanted)
    course.records = lambda change: issue.record(job, wanted, change)
    try:
        now, withheld, live = _with_or_without_plots(job, wanted, seen, changes, steps, course)
        started = any(change.kind == "start server" for change in course.begun)
        if started:
            ends, now = after_start(replace(job, wanted=wanted), seen, now)
    except (NbfabError, KeyboardInterrupt) as error:
        return _failed(job, wanted, course, error)
    job.user.sees_hash(password.known(now))
    outcome = describe(job, wanted, now)
    outcome = replace(
        outcome,
        verdict="changed" if course.begun else "unchanged",
        changes=reported(course.begun),
        notes=(*course.words, *outcome.notes),
        password=_generated(wanted, course),
    )
    if withheld:
        return replace(
            outcome,
            verdict="refused",
            withheld=tuple(change.summary for change in withheld),
            pending=(),
            error=f"the server was not restarted, because that would end {', '.join(live)}",
            fix=("once they may end", again("--restart")),
            status=Refused.status,
        )
    if ends and not now.server.alive:
        return gone(outcome, ends, now)
    return in_time(job, outcome, now)


def _with_or_without_plots(
    job: Job, wanted: Wanted, seen: Facts, changes: list[Change], steps: Sequence[Step], course: Course
) -> tuple[Facts, list[Change], tuple[str, ...]]:
    """As `_carry_out`; where no environment can be made, one that was found serves, though it lacks matplotlib."""
    try:
        return _with_or_without_index(job, wanted, seen, changes, steps, course)
    except (Declined, Undecided) as error:
        instead = install.falls_back(wanted, seen)
        if not (instead and course.begun and course.begun[-1].kind == "make environment"):
            raise
        why = (error.words.strip().splitlines() or [str(error)])[-1]
    course.begun.pop()
    course.words.append(f"no environment could be made, so {instead.python} is used: {why}")
    wanted = replace(wanted, as_found=True)
    seen = adopt(look(job.host, request(wanted)))
    return _carry_out(job, wanted, seen, plan(wanted, seen, steps), steps, course)


def _with_or_without_index(
    job: Job, wanted: Wanted, seen: Facts, changes: list[Change], steps: Sequence[Step], course: Course
) -> tuple[Facts, list[Change], tuple[str, ...]]:
    """As `_carry_out`; a host that reaches no index of packages is lent ours, or gets a wheelhouse.

    Raises Undecided, with the host's own words in it, if neither is allowed.
    """
    try:
        return _carry_out(job, wanted, seen, changes, steps, course)
    except Declined as error:
        if not error.tool or job.host.local:
            raise
        declined = error
    try:
        return _by_loan(job, wanted, steps, course, declined)
    except Undecided as error:
        fix = (*error.fix, *declined.fix)
        raise Undecided(f"{declined}; {error}", *fix, words=f"{declined.words}; {error}") from None
    except CannotLend as error:
        return _by_wheelhouse(job, wanted, steps, course, declined, error)


def _by_loan(
    job: Job, wanted: Wanted, steps: Sequence[Step], course: Course, declined: Declined
) -> tuple[Facts, list[Change], tuple[str, ...]]:
    """As `_carry_out`, for what was `declined` for want of an index. Raises CannotLend while nothing has changed."""
    try:
        with lending(job, declined.tool, course.words) as (course.loan, course.installed):
            course.begun.pop()
            seen = adopt(look(job.host, request(wanted)))
            return _carry_out(job, wanted, seen, plan(wanted, seen, steps), steps, course)
    finally:
        course.loan, course.installed = NONE, lambda: None


def _by_wheelhouse(
    job: Job, wanted: Wanted, steps: Sequence[Step], course: Course, declined: Declined, unlent: CannotLend
) -> tuple[Facts, list[Change], tuple[str, ...]]:
    """As `_carry_out`, with packages that are sent from here, after a change was `declined` for want of an index."""

    def equips(job: Job, wanted: Wanted, seen: Facts, changes: Sequence[Change]) -> list[Change]:
        try:
            equipped = with_wheelhouse(job, wanted, seen, changes)
        except (HostError, UsageError) as error:
            course.begun.append(before)
            raise explained(declined.because(unlent), error) from None
        if (note := f"packages were sent from here: {unlent}") not in course.words:
            course.words.append(note)
        return equipped

    before = course.begun.pop()
    course.equips = equips
    try:
        seen = adopt(look(job.host, request(wanted)))
        return _carry_out(job, wanted, seen, plan(wanted, seen, steps), steps, course)
    finally:
        course.equips = with_uv


def _carry_out(
    job: Job, wanted: Wanted, seen: Facts, changes: list[Change], steps: Sequence[Step], course: Course
) -> tuple[Facts, list[Change], tuple[str, ...]]:
    """Does what may be done, and looks again; keeps `course` up to date.

    Returns what is seen then, what was withheld, and what is live and would have ended. Raises NbfabError.
    """
    now = seen
    # A second round only if the first has shown that what was withheld may be done now, or need not be.
    for _ in range(2):
        live = () if wanted.restart else now.server.live
        withheld = [change for change in changes if live and change.needs_restart]
        doing = [change for change in changes if change not in withheld]
        if not doing:
            break
        now = make(job, wanted, doing, now, course)
        wanted = replace(wanted, update=False)  # that is done, whatever has come out since
        changes = plan(wanted, now, steps)
        if not withheld:
            break
    left = [change for change in changes if change not in withheld]
    if left:
        raise HostError(f"done, but this remains to be done: {left[0].summary}", task("plan"))
    return now, withheld, live


def make(job: Job, wanted: Wanted, changes: Sequence[Change], seen: Facts, course: Course) -> Facts:
    """Makes changes on the job's host, and returns what is seen then, if it looks. Raises NbfabError."""
    changes = course.equips(job, wanted, seen, changes)
    course.sent += changes
    course.words += filter(None, map(course.records, changes))
    course.total = len(course.begun) + len(changes)
    course.installing = sum(change.kind in INSTALLS for change in changes)
    seconds, loan = wanted.seconds, course.loan
    return adopt(apply(job.host, request(wanted), changes, seen, course, seconds, loan, looks=course.looks))


def _failed(job: Job, wanted: Wanted, course: Course, error: Exception | KeyboardInterrupt) -> Outcome:
    """The outcome of an error. A password that the host may have by now is shown, or everyone would be locked out."""
    failed = failure(job.task, job.host.label, error)
    if course.password_set or isinstance(error, Declined) or not any(map(_sets_password, course.sent)):
        return replace(failed, password=_generated(wanted, course))
    job.user.password_is_set(certain=False)
    if not (wanted.password and wanted.password.generated):
        return failed
    note = "not certain: the password counts if the host got as far as that"
    return replace(failed, password=wanted.password.reveal(), notes=(note,))


def _sets_password(change: Change) -> bool:
    return change.args.get("file") == password.FILE


def _generated(wanted: Wanted, course: Course) -> str:
    """A password that was generated for the host, once its hash is in place there: it is shown this one time."""
    password = wanted.password
    return password.reveal() if password and password.generated and course.password_set else ""


def preview(job: Job, steps: Sequence[Step] = STEPS) -> Outcome:
    """What `converge` would change, and why; changes nothing."""
    return foresee(*see(job, steps), steps)


def foresee(job: Job, seen: Facts, steps: Sequence[Step]) -> Outcome:
    """The same, once the host is `seen`, and it is settled which settings count."""
    job.user.sees_hash(password.known(seen))
    changes = plan(job.wanted, seen, steps)
    issue.check(job.wanted, changes)
    job = replace(job, wanted=with_resolution(job, job.wanted, seen, changes))
    changes = plan(job.wanted, seen, steps)
    outcome = replace(describe(job, job.wanted, seen), pending=takes.pending(job.wanted, seen))
    live = () if job.wanted.restart else seen.server.live
    withheld = tuple(change.summary for change in changes if live and change.needs_restart)
    if withheld:
        why = f"not without --restart, because that would end {', '.join(live)}"
        outcome = replace(outcome, withheld=withheld, notes=(*outcome.notes, why))
    notes = (*filter(None, (change.note for change in changes)), *dropped(job.wanted), *outcome.notes)
    if any(change.kind == "start server" for change in changes):
        outcome = replace(outcome, pending=())
    if not changes:
        return in_time(job, replace(outcome, notes=notes), seen)
    outcome = in_time(job, replace(outcome, verdict="would change", changes=reported(changes), notes=notes), seen)
    return replace(outcome, status=DUE) if "check" in job.flags else outcome


def reported(changes: Iterable[Change]) -> tuple[Changed, ...]:
    """Changes as an outcome has them: without what may be secret."""
    return tuple(change.public() for change in changes)
